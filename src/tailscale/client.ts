/** Tailscale's REST API as calls. What goes over the wire is described in docs/simulator.md and at tailscale.com/api. */
import type { z } from 'zod';
import * as answers from './answers.ts';
import type { Approval, Device, DnsPreferences, Key, NewKey, PolicyGroups, ServiceHost, Settings, User, VipService } from './answers.ts';
import { pathOf } from './path.ts';
import { type ClientLimits, type Clock, systemClock, usualLimits } from './limits.ts';
import { Secrets } from './secrets.ts';
import { type Credentials, Tokens } from './tokens.ts';
import { type ApiCall, type CallMade, type Timely, Transport } from './transport.ts';

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
} & Partial<Clock>;

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
  readonly putVipService: (service: VipService, timely?: Timely) => Promise<void>;
  readonly deleteVipService: (name: string, timely?: Timely) => Promise<boolean>;
  /** Devices that offer to host it; undefined when there is no such service. */
  readonly serviceHosts: (name: string) => Promise<readonly ServiceHost[] | undefined>;
  /** Undefined when there is no such service or device. */
  readonly approveServiceHost: (name: string, deviceId: string) => Promise<Approval | undefined>;
  /** Also those who only share machines. Takes the scope `users:read`. */
  readonly users: () => Promise<readonly User[]>;
  /** Of the policy file, which takes the scope `policy_file:read`. */
  readonly policyGroups: () => Promise<PolicyGroups>;
  readonly settings: () => Promise<Settings>;
  readonly dnsPreferences: () => Promise<DnsPreferences>;
  readonly searchPaths: () => Promise<readonly string[]>;
  /** Breaks off what is under way, and refuses what comes. */
  readonly close: () => void;
};

/** A client for one tailnet. It calls nobody before the first call. */
export const tailscaleClient = (options: ClientOptions): TailscaleClient => {
  const { apiURL, credentials, userAgent, called = () => undefined, limits, now, random, wait } = options;
  const clock: Clock = { now: now ?? systemClock.now, random: random ?? systemClock.random, wait: wait ?? systemClock.wait };
  const secrets = new Secrets('clientSecret' in credentials ? [credentials.clientSecret.trim()] : []);
  const transport = new Transport({ apiURL, userAgent, secrets, limits: { ...usualLimits, ...limits }, clock, called });
  const tokens = new Tokens(credentials, transport, secrets, clock);

  const tailnet = options.tailnet.trim() || '-';
  /** The place of a noun; the call is refused when a part of it is none. */
  const send = (name: string, parts: readonly string[], how: Omit<ApiCall, 'name' | 'path'>, query = '') => {
    const path = pathOf(parts);
    if (path === undefined) throw transport.error(name, 'invalid', 0, 'an id or a name is empty, or no such thing');
    return transport.send({ name, path: path + query, ...how }, tokens);
  };
  const get = async <T>(name: string, parts: readonly string[], schema: z.ZodType<T>, query?: string): Promise<T> =>
    transport.read(name, await send(name, parts, { method: 'GET', reads: true, repeat: 'always' }, query), schema);
  const find = async <T>(name: string, parts: readonly string[], schema: z.ZodType<T>): Promise<T | undefined> => {
    const answer = await send(name, parts, { method: 'GET', reads: true, repeat: 'always', mayBeAbsent: true });
    return answer.status === 404 ? undefined : transport.read(name, answer, schema);
  };
  const remove = async (name: string, parts: readonly string[], timely: Timely = {}): Promise<boolean> =>
    (await send(name, parts, { method: 'DELETE', reads: false, repeat: 'always', mayBeAbsent: true, ...timely })).status !== 404;
  const json = (value: unknown) => ({ contentType: 'application/json', body: JSON.stringify(value) });
  const ofTailnet = (...parts: readonly string[]) => ['tailnet', tailnet, ...parts];

  return {
    devices: (fields) => get('devices', ofTailnet('devices'), answers.devicesSchema, fields === undefined ? '' : `?fields=${fields}`),
    device: (id) => find('device', ['device', id], answers.deviceSchema),
    deleteDevice: (id) => remove('deleteDevice', ['device', id]),
    setDeviceTags: async (id, tags) => {
      const how = { method: 'POST', ...json({ tags }), reads: false, repeat: 'always', mayBeAbsent: true } as const;
      return (await send('setDeviceTags', ['device', id, 'tags'], how)).status !== 404;
    },
    createAuthKey: async (wish) => {
      const how = { method: 'POST', ...json(authKeyRequest(wish)), reads: true, repeat: 'if-undone' } as const;
      return transport.read('createAuthKey', await send('createAuthKey', ofTailnet('keys'), how), answers.newKeySchema);
    },
    keys: () => get('keys', ofTailnet('keys'), answers.keysSchema),
    key: (id) => find('key', ofTailnet('keys', id), answers.keySchema),
    deleteKey: (id) => remove('deleteKey', ofTailnet('keys', id)),
    vipServices: () => get('vipServices', ofTailnet('vip-services'), answers.vipServicesSchema),
    vipService: (name) => find('vipService', ofTailnet('vip-services', name), answers.vipServiceSchema),
    putVipService: async (service, timely = {}) => {
      const how = { method: 'PUT', ...json(service), reads: false, repeat: 'if-undone', ...timely } as const;
      await send('putVipService', ofTailnet('vip-services', service.name), how);
    },
    deleteVipService: (name, timely) => remove('deleteVipService', ofTailnet('vip-services', name), timely),
    // Only documented below `services`.
    serviceHosts: (name) => find('serviceHosts', ofTailnet('services', name, 'devices'), answers.serviceHostsSchema),
    approveServiceHost: async (name, deviceId) => {
      const how = { method: 'POST', ...json({ approved: true }), reads: true, repeat: 'always', mayBeAbsent: true } as const;
      const answer = await send('approveServiceHost', ofTailnet('services', name, 'device', deviceId, 'approved'), how);
      return answer.status === 404 ? undefined : transport.read('approveServiceHost', answer, answers.approvalSchema);
    },
    users: () => get('users', ofTailnet('users'), answers.usersSchema),
    policyGroups: () => get('policyGroups', ofTailnet('acl'), answers.policyGroupsSchema),
    settings: () => get('settings', ofTailnet('settings'), answers.settingsSchema),
    dnsPreferences: () => get('dnsPreferences', ofTailnet('dns', 'preferences'), answers.dnsPreferencesSchema),
    searchPaths: () => get('searchPaths', ofTailnet('dns', 'searchpaths'), answers.searchPathsSchema),
    close: () => transport.close(),
  };
};

/** Every member is there, as Tailscale's own client sends them. */
const authKeyRequest = (wish: AuthKeyWish) => {
  const { tags, description = '', expirySeconds = 0, reusable = false, ephemeral = false, preauthorized = true } = wish;
  return { capabilities: { devices: { create: { reusable, ephemeral, tags, preauthorized } } }, expirySeconds, description };
};
