/** Where things are in the pods of Tailscale proxies, and what containerboot expects of them. */

/** Same release as the lab proves the pods with. Another one may be set; see `imageProblem` for how old it may be. */
export const defaultImage = 'tailscale/tailscale:v1.102.5';

/** Health, and the hook that runs before a pod ends. */
export const healthPort = 9002;

/** WireGuard. Fixed, so that a NetworkPolicy can leave it open: peers then connect directly instead of by a relay. */
export const wireGuardPort = 41_641;

export const paths = {
  /** Below it one folder a pod, named as the pod, as containerboot watches it for replaced files. */
  configs: '/etc/tsconfig',
  /** What is the same for all pods of a set. */
  shared: '/etc/proxies',
  scratch: '/tmp',
} as const;

/** Every release since 1.76 reads this one, where there is no file for a higher number. */
export const configFile = 'cap-106.hujson';

/** Neither root nor anybody the image knows. */
export const userId = 65_532;

/**
 * How many config Secrets the pods mount: those of the replicas, rounded up. So a set may be scaled within a stride without its pods being
 * replaced, which another list of volumes would mean.
 */
export const mountedConfigs = (replicas: number): number => Math.max(1, Math.ceil(replicas / stride)) * stride;

const stride = 4;
