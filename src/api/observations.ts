/** What is known beside configuration: tailnets as their API tells of them, and proxies as they run. Unchanged values keep their identity. */

export type Observations = {
  /** By name of the TailscaleTailnet; absent until something was heard of it, be it a failure. */
  readonly tailnets: ReadonlyMap<string, TailnetState>;
  /** StatefulSets of proxies, by `namespace/name`; none where there is no cluster. */
  readonly proxies: ReadonlyMap<string, ObservedProxies>;
  /** What became of Tailscale Services that we asked for, by `TailscaleTailnet/svc:name`. */
  readonly sharedServices: ReadonlyMap<string, ObservedVipService>;
  /** When the hour began that it is, in ms since 1970; absent where nobody looks at the clock. */
  readonly hour?: number;
};

export const noObservations: Observations = { tailnets: new Map(), proxies: new Map(), sharedServices: new Map() };

/** One tailnet. What is known may be old; then `trouble` says why. */
export type TailnetState = {
  /** Of the TailscaleTailnet. */
  readonly name: string;
  /** The last complete answer; absent before the first. */
  readonly known?: KnownTailnet;
  readonly trouble?: TailnetTrouble;
};

export type KnownTailnet = {
  /** By stable node id. */
  readonly devices: ReadonlyMap<string, Device>;
  /** By name, `svc:web`. */
  readonly services: ReadonlyMap<string, VipService>;
  /** MagicDNS suffix without dots around it; absent while no device tells. */
  readonly suffix?: string;
  /** Members of each `group:…` of the tailnet's policy, login names in lower case, sorted; absent where the credentials may not read it. */
  readonly groups?: ReadonlyMap<string, readonly string[]>;
  /** What people are called, by login name; absent where the credentials may not read it. */
  readonly displayNames?: ReadonlyMap<string, string>;
  /** RFC 3339, whole seconds. Moves with a change, else no more often than every five minutes, so that a quiet tailnet is the same object. */
  readonly lastSync: string;
};

/**
 * Why a tailnet cannot be asked, or not completely. `secret`: the Secret is missing or incomplete; `credentials`: refused; `scopes`: they
 * lack a right; `unreachable`: no answer, or none that makes sense; `refused`: any other error of the API.
 */
export type TailnetTrouble = {
  readonly kind: 'secret' | 'credentials' | 'scopes' | 'unreachable' | 'refused';
  /** For users: what failed and what helps. Never holds a secret. */
  readonly message: string;
  /** RFC 3339: since when. */
  readonly since: string;
  /** What is known was read two hours ago, or earlier: it is used, and no longer said to be so. */
  readonly lasting?: boolean;
  /** Machines were listed so long ago (`--identity-max-age`) that nobody is known by the address of one any more. */
  readonly anonymous?: boolean;
};

export type Device = {
  /** Stable node id. */
  readonly id: string;
  /** MagicDNS name, lower case, no trailing dot. */
  readonly fqdn: string;
  readonly hostname: string;
  /** IPv4 first. */
  readonly addresses: readonly string[];
  /** Sorted. */
  readonly tags: readonly string[];
  /** Login name; of tagged devices empty. */
  readonly user: string;
  /** Set on those that are shared in from another tailnet. */
  readonly external?: true;
  /** Whether traffic may be sent: it is connected, authorized, and its key has not expired. */
  readonly usable: boolean;
  readonly connected: boolean;
  readonly authorized: boolean;
  readonly expired: boolean;
  /** RFC 3339; absent while connected. Moves only together with something else. */
  readonly lastSeen?: string;
};

/** A Tailscale Service that we asked for, as it was when last looked at. */
export type ObservedVipService = {
  /** Both families; empty before it exists. */
  readonly addresses: readonly string[];
  /** As it really has them: whoever made it first decides. */
  readonly ports: readonly string[];
  readonly tags: readonly string[];
  /** Operator that made it, as the registry says; absent where it has none. */
  readonly owner?: string;
  /** Clusters that use it, sorted. */
  readonly consumers: readonly string[];
  /** Hosts of ours, by stable node id. */
  readonly hosts: ReadonlyMap<string, { readonly approved: boolean; readonly configured: boolean }>;
  /** Why it is not as wanted. `message` is for users, names the other owner where there is one, and the next step. */
  readonly failure?: { readonly reason: string; readonly message: string };
};

/** A Tailscale Service, as the API tells of it. */
export type VipService = {
  /** `svc:web`. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** `tcp:443`, `tcp:80-90`, `do-not-validate`. */
  readonly ports: readonly string[];
  readonly tags: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
};

/** One StatefulSet of proxies. */
export type ObservedProxies = {
  readonly desired: number;
  readonly ready: number;
  /** RFC 3339. */
  readonly createdAt?: string;
  /** In order of their ordinals; only pods that exist, or left a state. */
  readonly pods: readonly ObservedProxy[];
  /** Why they cannot be made as wanted. `message` is for users and names the next step. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** Direction `ingress`: ports that the serve configuration has now, by service, each with the port of Envoy it leads to. */
  readonly served?: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Direction `ingress`, mode `forward`: services whose addresses the pods are told to lead elsewhere, sorted. */
  readonly led?: readonly string[];
};

/** One proxy pod, by its state Secret (`facts`: the keys containerboot writes) and its Pod. */
export type ObservedProxy = {
  readonly pod: string;
  /** Of both families; the pod's primary first. */
  readonly ips: readonly string[];
  readonly ready: boolean;
  /** Logged in: the running pod wrote its device. */
  readonly joined: boolean;
  /** Stable node id, also of a former pod. */
  readonly nodeId?: string;
  /** No trailing dot. */
  readonly fqdn?: string;
  readonly addresses: readonly string[];
  /** Mode `forward`: what it says it forwards, by name of the mapping; absent until it says so for its present addresses. */
  readonly forwards?: ReadonlyMap<
    string,
    readonly { readonly protocol: 'TCP' | 'UDP'; readonly matchPort: number; readonly targetPort: number }[]
  >;
  /** It asks for a new auth key. */
  readonly wantsKey: boolean;
  /** Direction `ingress`: services that its configuration names as its own, sorted. */
  readonly advertised?: readonly string[];
};
