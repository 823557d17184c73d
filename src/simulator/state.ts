/** A machine of the tailnet: the API's own fields, and what only control knows (from `advertisedRoutes` on). Times are RFC 3339. */
export type Device = {
  readonly id: string;
  readonly nodeId: string;
  /** MagicDNS name, no trailing dot. */
  readonly name: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly user: string;
  readonly tags: readonly string[];
  readonly authorized: boolean;
  readonly isExternal: boolean;
  readonly isEphemeral: boolean;
  readonly connectedToControl: boolean;
  /** Absent while connected. */
  readonly lastSeen?: string;
  readonly created: string;
  readonly expires: string;
  readonly keyExpiryDisabled: boolean;
  readonly clientVersion: string;
  readonly os: string;
  readonly updateAvailable: boolean;
  readonly blocksIncomingConnections: boolean;
  readonly machineKey: string;
  readonly nodeKey: string;
  readonly advertisedRoutes: readonly string[];
  readonly enabledRoutes: readonly string[];
  /** Services the machine offers to host, `svc:…`. */
  readonly advertisedServices: readonly string[];
};

/** How a program gets in: an OAuth client has a secret, a federated identity an audience. `tags` own what it creates. */
export type Credential = {
  readonly id: string;
  readonly secret?: string;
  readonly audience?: string;
  readonly scopes: readonly string[];
  readonly tags: readonly string[];
};

/** What an access token allows, until `expiresAt` (milliseconds since 1970). */
export type Grant = {
  readonly token: string;
  readonly credential: string;
  readonly scopes: readonly string[];
  readonly tags: readonly string[];
  readonly expiresAt: number;
};

/** A key that lets machines join. `uses` counts the machines that did. */
export type AuthKey = {
  readonly id: string;
  readonly secret: string;
  readonly description: string;
  readonly created: string;
  readonly expires: string;
  readonly expirySeconds: number;
  readonly revoked?: string;
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly preauthorized: boolean;
  readonly tags: readonly string[];
  readonly uses: number;
};

/** A Tailscale Service. `addrs` is [IPv4, IPv6]; `ports` like `tcp:443`, `tcp:80-90` or the single `do-not-validate`. */
export type VipService = {
  readonly name: string;
  readonly addrs: readonly string[];
  readonly comment?: string | undefined;
  readonly displayName?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ports?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
};

/** An admin's word on one machine hosting one service. */
type Approval = { readonly service: string; readonly nodeId: string; readonly approved: boolean };

/** The policy file, parsed. Only the sections that the simulator obeys are typed; the rest is kept as it came. */
export type Policy = {
  readonly tagOwners?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly autoApprovers?: { readonly services?: Readonly<Record<string, readonly string[]>> | undefined } | undefined;
  readonly [section: string]: unknown;
};

export type Dns = {
  readonly nameservers: readonly string[];
  readonly searchPaths: readonly string[];
  readonly splitDns: Readonly<Record<string, readonly string[]>>;
  readonly magicDNS: boolean;
};

/** Somebody who is known by more than a login name. Whoever else owns a machine is a member without one. */
export type User = { readonly loginName: string; readonly displayName: string };

type Settings = Readonly<Record<string, boolean | number | string | null>>;

/** One tailnet, whole. Plain data: it can be written to a file and read back. */
export type Tailnet = {
  readonly id: string;
  /** The name that paths may use instead of the id. */
  readonly name: string;
  /** MagicDNS suffix, no leading dot. */
  readonly domain: string;
  readonly seed: string;
  /** Things made so far; the next id is derived from it, so none is ever given out twice. */
  readonly serial: number;
  readonly devicesMade: number;
  readonly servicesMade: number;
  readonly credentials: readonly Credential[];
  readonly grants: readonly Grant[];
  readonly devices: readonly Device[];
  readonly keys: readonly AuthKey[];
  readonly services: readonly VipService[];
  readonly approvals: readonly Approval[];
  readonly policy: Policy;
  /** Absent in files of simulations from before there were any. */
  readonly users?: readonly User[];
  readonly dns: Dns;
  readonly settings: Settings;
};

/** Everything the simulator knows. */
export type World = { readonly tailnets: readonly Tailnet[] };

/** RFC 3339 with whole seconds, as the API writes times. `ms` counts from 1970. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The world with one of its tailnets replaced by a later state of it. */
export const withTailnet = (world: World, tailnet: Tailnet): World => ({
  tailnets: world.tailnets.map((other) => (other.id === tailnet.id ? tailnet : other)),
});

/** A world as it was, reachable with the credentials and tokens of another. */
export const withGrantsOf = (world: World, other: World): World => ({
  tailnets: world.tailnets.map((tailnet) => {
    const { credentials, grants } = other.tailnets.find((each) => each.id === tailnet.id) ?? tailnet;
    return { ...tailnet, credentials, grants };
  }),
});
