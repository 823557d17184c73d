/** Tailscale's REST API as calls. What goes over the wire is described in docs/simulator.md and at tailscale.com/api. */
import type { Approval, Device, DnsPreferences, Key, NewKey, ServiceHost, Settings, VipService } from './answers.ts';

/** Who we are to the API. Whitespace around them does not matter: mounted Secrets tend to end with a newline. */
export type Credentials =
  | { readonly clientId: string; readonly clientSecret: string }
  /** Workload identity: an OIDC token of our own, asked for whenever a new access token is needed. */
  | { readonly clientId: string; readonly identityToken: () => Promise<string> };

/** One try of one call: its name, HTTP status (0 where there was no answer), and how long it took. `token` is a call like any other. */
export type CallMade = { readonly name: string; readonly status: number; readonly seconds: number };

export type ClientLimits = {
  /** Calls that may be made per second, on average; 5. */
  readonly perSecond: number;
  /** Calls that may be made at once after a quiet time; 10. */
  readonly burst: number;
  /** Calls under way at the same time; 8. */
  readonly concurrent: number;
  /** Until an answer is whole; 30,000. */
  readonly timeoutMs: number;
  /** Tries per call, the first included; 4. */
  readonly tries: number;
  /** The first wait before another try, and the longest; 500 and 10,000. */
  readonly backoffMs: readonly [first: number, longest: number];
  /** An API that wants to be left alone for longer is not waited for: the call fails, and its error says for how long; 30,000. */
  readonly patienceMs: number;
  /** The largest answer that is read; 64 MiB. */
  readonly answerBytes: number;
};

export type ClientOptions = {
  /** `https://api.tailscale.com`, without `/api/v2`. */
  readonly apiURL: string;
  /** Id or name; `-` is the one the credentials belong to. */
  readonly tailnet: string;
  readonly credentials: Credentials;
  readonly userAgent: string;
  /** Told of each try, when it is over. */
  readonly called?: (call: CallMade) => void;
  readonly limits?: Partial<ClientLimits>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Resolves after `ms`; rejects when `signal` aborts before. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
};

export type AuthKeyWish = {
  /** Not empty, and owned by the credentials. */
  readonly tags: readonly string[];
  /** At most 50 letters, digits, hyphens and spaces. */
  readonly description?: string;
  /** 0, which is also what is meant without it, is the API's longest: 90 days. */
  readonly expirySeconds?: number;
  readonly reusable?: boolean;
  readonly ephemeral?: boolean;
  /** True unless said otherwise. */
  readonly preauthorized?: boolean;
};

/**
 * One tailnet's API. All calls share one queue, which limits their rate and waits as long as the API asks. They throw TailscaleApiError.
 * Calls are tried again when that cannot do harm; an id or name that is empty, or would lead elsewhere, is refused without a call.
 */
export type TailscaleClient = {
  /** All of them; the list is never partial. Routes only with `all`. */
  readonly devices: (fields?: 'all' | 'default') => Promise<readonly Device[]>;
  /** By stable node id; undefined when there is none. */
  readonly device: (id: string) => Promise<Device | undefined>;
  /** Whether it was there. */
  readonly deleteDevice: (id: string) => Promise<boolean>;
  /** Replaces its tags; whether the device is there. */
  readonly setDeviceTags: (id: string, tags: readonly string[]) => Promise<boolean>;
  /** Never tried again once the API may have made one: an error can mean that there is a key which nobody knows. */
  readonly createAuthKey: (wish: AuthKeyWish) => Promise<NewKey>;
  readonly keys: () => Promise<readonly Key[]>;
  /** A revoked one is still there, and `invalid`. */
  readonly key: (id: string) => Promise<Key | undefined>;
  readonly deleteKey: (id: string) => Promise<boolean>;
  readonly vipServices: () => Promise<readonly VipService[]>;
  readonly vipService: (name: string) => Promise<VipService | undefined>;
  /**
   * Creates `service.name` or replaces all of it: change a copy of what was read, so that addresses, others' annotations and members we do
   * not know go back with it. The API has no lock, the last writer wins: read again afterwards. For the same reason it is not tried again
   * when the API may have done it: what was read is old by then.
   */
  readonly putVipService: (service: VipService) => Promise<void>;
  readonly deleteVipService: (name: string) => Promise<boolean>;
  /** Devices that offer to host it; undefined when there is no such service. */
  readonly serviceHosts: (name: string) => Promise<readonly ServiceHost[] | undefined>;
  /** Undefined when there is no such service or device. */
  readonly approveServiceHost: (name: string, deviceId: string) => Promise<Approval | undefined>;
  readonly settings: () => Promise<Settings>;
  readonly dnsPreferences: () => Promise<DnsPreferences>;
  readonly searchPaths: () => Promise<readonly string[]>;
  /** Breaks off what is under way, and refuses what comes. */
  readonly close: () => void;
};
