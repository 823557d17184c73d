/** What `serve` is told, from flags, environment and a file: checked once, typed from then on. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { z } from 'zod';
import { millisecondsOf } from './lib/duration.ts';
import { type HostPort, hostPortFrom } from './lib/host-port.ts';

export type Config = {
  /** Where configuration comes from: this directory, or the API server of a cluster. One of the two. */
  readonly configDir?: string;
  readonly kubernetes: boolean;
  readonly xdsAddress: HostPort;
  readonly httpAddress: HostPort;
  readonly logLevel: LogLevel;
  /** Bind ports below 1024 as they are, where Envoy may. */
  readonly privilegedPorts: boolean;
  /** Milliseconds between pings to Envoys, and how long one may take to answer. */
  readonly xdsKeepalive: number;
  readonly xdsKeepaliveTimeout: number;
  /** Milliseconds after which an Envoy is asked to connect anew, and how long it may take; Infinity for never. */
  readonly xdsConnectionAge: number;
  readonly xdsConnectionGrace: number;
  /** Files: the xDS server's certificate and key, and the CA of client certificates. From a directory; on a cluster there is a CA of our own. */
  readonly xdsTlsCert?: string;
  readonly xdsTlsKey?: string;
  readonly xdsClientCa?: string;
  /** Where the built-in simulator listens once some TailscaleTailnet asks for it, and the file that keeps its state. */
  readonly simulatorAddress: HostPort;
  readonly simulatorState?: string;
  /** Milliseconds between questions to the API of a tailnet. */
  readonly tailnetInterval: number;
  /** Milliseconds for which peers are known by addresses of a tailnet's machines that cannot be listed any more. */
  readonly identityMaxAge: number;
  /** Tells this cluster from others that share services of a tailnet; made of the cluster where nobody says it. */
  readonly clusterName?: string;
  /** CIDRs that ingress proxies connect to Envoys from, beside those that are known by their pods. */
  readonly ingressProxyRanges: readonly string[];
} & ClusterConfig;

/** What counts on a cluster only. */
export type ClusterConfig = {
  readonly kubeconfig?: string;
  /** Empty for all. */
  readonly watchNamespaces: readonly string[];
  /** Make an Envoy Deployment, a Service and what belongs to them for each Gateway. */
  readonly provisioning: boolean;
  /** Where this replica, its Lease and its CA live. */
  readonly namespace: string;
  /** Whose tokens prove who we are where a tailnet asks for workload identity. */
  readonly serviceAccountName: string;
  readonly podName: string;
  readonly podUid?: string;
  /** What Envoys dial; port as in `xdsAddress` unless it says otherwise. */
  readonly xdsHost?: string;
  readonly xdsTls: 'auto' | 'off';
  readonly envoyImage?: string;
  readonly proxyImage?: string;
  readonly leaseName: string;
  readonly leaseDuration: number;
  readonly leaseRenewDeadline: number;
  readonly leaseRetry: number;
};

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The user asked for something that cannot be done as asked: one line on stderr, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const address = z
  .string()
  .transform((text, context) => hostPortFrom(text) ?? (context.addIssue({ code: 'custom', message: 'is not HOST:PORT' }), z.NEVER));
const flag = z.union([z.boolean(), z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')], {
  error: 'is neither true nor false',
});

/** A Gateway API duration, in milliseconds; at least one. */
const duration = z
  .string()
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, 'is no duration like 30s or 1h30m')
  .transform(millisecondsOf)
  .pipe(z.number().positive('is not longer than nothing'));
const durationOrNever = z.union([z.literal('never').transform(() => Number.POSITIVE_INFINITY), duration], {
  error: 'is neither never nor a duration like 30s or 1h30m',
});

const isCidr = (text: string): boolean => {
  const [address = '', bits = '', ...rest] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
};

type Setting<T> = {
  readonly flag: string;
  readonly help: string;
  /** What counts when nothing is said; without one the setting may be absent. */
  readonly fallback?: string | boolean;
  readonly schema: z.ZodType<Exclude<T, undefined>>;
};

const text = z.string().min(1, 'is empty');
const list = z.union([z.array(text), z.string().transform((names) => names.split(',').filter((name) => name !== ''))]);

/** Every setting once: its flag, the `TAILPLANE_…` variable named after its key, and the key itself in a `--config` file. */
export const settings: { readonly [K in keyof Config]-?: Setting<Config[K]> } = {
  configDir: { flag: '--config-dir <dir>', help: 'directory of YAML files to watch', schema: text },
  kubernetes: { flag: '--kubernetes', help: 'watch an API server instead of a directory', fallback: false, schema: flag },
  xdsAddress: { flag: '--xds-address <host:port>', help: 'where Envoys connect', fallback: '127.0.0.1:18000', schema: address },
  httpAddress: { flag: '--http-address <host:port>', help: 'metrics, health and API', fallback: '127.0.0.1:8080', schema: address },
  logLevel: {
    flag: '--log-level <level>',
    help: logLevels.join(', '),
    fallback: 'info',
    schema: z.enum(logLevels, { error: `is none of ${logLevels.join(', ')}` }),
  },
  privilegedPorts: {
    flag: '--privileged-ports',
    help: 'bind ports below 1024 as they are, not 10000 above',
    fallback: false,
    schema: flag,
  },
  xdsKeepalive: { flag: '--xds-keepalive <duration>', help: 'between pings to Envoys', fallback: '30s', schema: duration },
  xdsKeepaliveTimeout: { flag: '--xds-keepalive-timeout <duration>', help: 'for the answer to a ping', fallback: '10s', schema: duration },
  xdsConnectionAge: {
    flag: '--xds-connection-age <duration>',
    help: 'after which Envoys connect anew, or never',
    fallback: 'never',
    schema: durationOrNever,
  },
  xdsConnectionGrace: {
    flag: '--xds-connection-grace <duration>',
    help: 'for an aged connection to close',
    fallback: '10s',
    schema: duration,
  },
  xdsTlsCert: { flag: '--xds-tls-cert <file>', help: "the xDS server's certificate; turns TLS on", schema: text },
  xdsTlsKey: { flag: '--xds-tls-key <file>', help: 'its key', schema: text },
  xdsClientCa: { flag: '--xds-client-ca <file>', help: 'CA that client certificates must come from', schema: text },
  simulatorAddress: {
    flag: '--simulator-address <host:port>',
    help: 'where the simulated tailnet answers, if one is asked for',
    fallback: '127.0.0.1:8090',
    schema: address,
  },
  simulatorState: { flag: '--simulator-state <file>', help: 'keeps the simulated tailnet', schema: text },
  tailnetInterval: {
    flag: '--tailnet-interval <duration>',
    help: 'between questions to the API of a tailnet',
    fallback: '30s',
    schema: duration,
  },
  identityMaxAge: {
    flag: '--identity-max-age <duration>',
    help: 'for which peers of a tailnet that gives no answer stay known',
    fallback: '2h',
    schema: duration,
  },
  clusterName: {
    flag: '--cluster-name <name>',
    help: 'tells this cluster from others that share services of a tailnet (default: made of the cluster)',
    schema: z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,38}[a-z0-9])?$/, 'is no DNS label of at most 40 characters'),
  },
  ingressProxyRanges: {
    flag: '--ingress-proxy-ranges <cidrs>',
    help: 'that your own ingress proxies connect from, with commas between',
    fallback: '',
    schema: list.refine((ranges) => ranges.every(isCidr), 'is no list of CIDRs like 192.0.2.0/24,2001:db8::/32'),
  },
  kubeconfig: { flag: '--kubeconfig <file>', help: 'the cluster; without it the usual places', schema: text },
  watchNamespaces: { flag: '--watch-namespaces <names>', help: 'with commas between; all without it', fallback: '', schema: list },
  provisioning: { flag: '--provisioning', help: 'run Envoys for each Gateway', fallback: true, schema: flag },
  namespace: { flag: '--namespace <name>', help: 'where the Lease and the CA are kept', fallback: 'tailplane-system', schema: text },
  serviceAccountName: {
    flag: '--service-account-name <name>',
    help: 'who we are to tailnets with workload identity',
    fallback: 'tailplane',
    schema: text,
  },
  podName: { flag: '--pod-name <name>', help: 'tells this replica from others', fallback: hostname(), schema: text },
  podUid: { flag: '--pod-uid <uid>', help: "of this replica's pod, which then owns what it writes about itself", schema: text },
  xdsHost: { flag: '--xds-host <host>', help: 'what provisioned Envoys dial (default: tailplane.NAMESPACE.svc)', schema: text },
  xdsTls: {
    flag: '--xds-tls <mode>',
    help: 'auto, off: mutual TLS with Envoys, on a cluster',
    fallback: 'auto',
    schema: z.enum(['auto', 'off'], { error: 'is neither auto nor off' }),
  },
  envoyImage: { flag: '--envoy-image <image>', help: 'of provisioned Envoys', schema: text },
  proxyImage: { flag: '--proxy-image <image>', help: 'of proxies into tailnets, 1.98 or newer', schema: text },
  leaseName: { flag: '--lease-name <name>', help: 'of the Lease that the leader holds', fallback: 'tailplane', schema: text },
  leaseDuration: {
    flag: '--lease-duration <duration>',
    help: 'after which a silent leader is replaced',
    fallback: '15s',
    schema: duration,
  },
  leaseRenewDeadline: {
    flag: '--lease-renew-deadline <duration>',
    help: 'after which a leader that cannot renew resigns',
    fallback: '10s',
    schema: duration,
  },
  leaseRetry: { flag: '--lease-retry <duration>', help: 'between attempts to get or renew it', fallback: '2s', schema: duration },
};

const keys = Object.keys(settings) as readonly (keyof Config)[];

/** `xdsAddress` → `TAILPLANE_XDS_ADDRESS`. */
export const environmentName = (key: string): string => `TAILPLANE_${key.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;

type Given = { readonly value: unknown; readonly origin: string };

/**
 * The configuration that flags, environment and file give together, in this order of precedence, defaults last.
 * Throws UsageError naming where a bad value came from, or an unknown key of the file. Unknown `TAILPLANE_…` variables are no error:
 * Kubernetes sets some for a Service named tailplane.
 */
export const configFrom = (
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  file?: { readonly path: string; readonly content: unknown },
): Config => {
  const fromFile = file === undefined ? {} : fileKeys(file.path, file.content);
  const given = (key: keyof Config): Given | undefined => {
    const option = settings[key].flag.split(' ', 1)[0] ?? '';
    const variable = environmentName(key);
    if (flags[key] !== undefined) return { value: flags[key], origin: option };
    if (environment[variable] !== undefined && environment[variable] !== '') return { value: environment[variable], origin: variable };
    if (fromFile[key] !== undefined) return { value: fromFile[key], origin: `${file?.path}: ${key}` };
    return settings[key].fallback === undefined ? undefined : { value: settings[key].fallback, origin: option };
  };
  const config = Object.fromEntries(
    keys.map((key) => [key, checked(key, given(key))] as const).filter(([, value]) => value !== undefined),
  ) as unknown as Config;
  return coherent(config);
};

/** Throws UsageError where settings do not go together. */
const coherent = (config: Config): Config => {
  const { configDir, kubernetes, xdsTlsCert, xdsTlsKey, xdsClientCa, leaseDuration, leaseRenewDeadline, leaseRetry } = config;
  if (configDir === undefined && !kubernetes)
    throw new UsageError('--config-dir <dir> (or TAILPLANE_CONFIG_DIR) or --kubernetes is required: where does configuration come from?');
  if (configDir !== undefined && kubernetes) throw new UsageError('--config-dir and --kubernetes do not go together');
  if ((xdsTlsCert === undefined) !== (xdsTlsKey === undefined)) throw new UsageError('--xds-tls-cert and --xds-tls-key come together');
  if (xdsClientCa !== undefined && xdsTlsCert === undefined) throw new UsageError('--xds-client-ca needs --xds-tls-cert');
  if (kubernetes && xdsTlsCert !== undefined) throw new UsageError('--xds-tls-cert is not for --kubernetes, which has a CA of its own');
  if (leaseDuration % 1000 !== 0) throw new UsageError('--lease-duration: must be whole seconds');
  if (!(leaseRetry < leaseRenewDeadline && leaseRenewDeadline < leaseDuration))
    throw new UsageError('--lease-retry must be shorter than --lease-renew-deadline, and that shorter than --lease-duration');
  return config;
};

const checked = (key: keyof Config, given: Given | undefined): unknown => {
  if (given === undefined) return undefined;
  const result = settings[key].schema.safeParse(given.value);
  if (!result.success) throw new UsageError(`${given.origin}: ${JSON.stringify(given.value)} ${reasonOf(result.error)}`);
  return result.data;
};

const fileKeys = (path: string, content: unknown): Readonly<Record<string, unknown>> => {
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) throw new UsageError(`${path}: must hold settings as "key: value"`);
  const unknown = Object.keys(content).find((key) => !(keys as readonly string[]).includes(key));
  if (unknown !== undefined) throw new UsageError(`${path}: unknown setting ${JSON.stringify(unknown)}; known are ${keys.join(', ')}`);
  return content as Readonly<Record<string, unknown>>;
};

const reasonOf = (error: z.ZodError): string => {
  const message = error.issues[0]?.message ?? 'is not valid';
  return message.startsWith('is ') ? message : `is not valid: ${message}`;
};
