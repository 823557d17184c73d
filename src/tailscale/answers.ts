/** What the API answers, as far as we read it. Members that Go leaves out or writes as null are filled in; what we do not read is dropped, except where it is written back. */
import { z } from 'zod';

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const texts = z
  .array(z.string())
  .nullish()
  .transform((value): readonly string[] => value ?? []);

const none: readonly string[] = [];

/** The member at `path` of an answer is not what it should be. */
class Misfit extends Error {
  override readonly name = 'Misfit';
  readonly path: readonly (string | number)[];

  constructor(...path: readonly (string | number)[]) {
    super(path.join('.'));
    this.path = path;
  }
}

const textAt = (place: string, value: unknown): string => {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  throw new Misfit(place);
};
const flagAt = (place: string, value: unknown): boolean => {
  if (typeof value === 'boolean') return value;
  if (value === undefined || value === null) return false;
  throw new Misfit(place);
};
const textsAt = (place: string, value: unknown): readonly string[] => {
  if (value === undefined || value === null) return none;
  if (!Array.isArray(value)) throw new Misfit(place);
  const wrong = value.findIndex((text) => typeof text !== 'string');
  if (wrong >= 0) throw new Misfit(place, wrong);
  return value;
};

const deviceFrom = (value: unknown): Device => {
  if (typeof value !== 'object' || value === null) throw new Misfit();
  const given: { readonly [F in keyof Device]?: unknown } = value;
  const nodeId = textAt('nodeId', given.nodeId);
  if (nodeId === '') throw new Misfit('nodeId');
  return {
    nodeId,
    name: textAt('name', given.name),
    hostname: textAt('hostname', given.hostname),
    addresses: textsAt('addresses', given.addresses),
    user: textAt('user', given.user),
    tags: textsAt('tags', given.tags),
    authorized: flagAt('authorized', given.authorized),
    isExternal: flagAt('isExternal', given.isExternal),
    connectedToControl: flagAt('connectedToControl', given.connectedToControl),
    lastSeen: textAt('lastSeen', given.lastSeen),
    created: textAt('created', given.created),
    expires: textAt('expires', given.expires),
    keyExpiryDisabled: flagAt('keyExpiryDisabled', given.keyExpiryDisabled),
    clientVersion: textAt('clientVersion', given.clientVersion),
    os: textAt('os', given.os),
    advertisedRoutes: textsAt('advertisedRoutes', given.advertisedRoutes),
    enabledRoutes: textsAt('enabledRoutes', given.enabledRoutes),
  };
};

const devicesFrom = (list: unknown): readonly Device[] => {
  if (!Array.isArray(list)) throw new Misfit();
  return list.map((device, index) => {
    try {
      return deviceFrom(device);
    } catch (error) {
      throw error instanceof Misfit ? new Misfit(index, ...error.path) : error;
    }
  });
};

/** Machines are many, and are asked for all the time: by hand 10,000 take a tenth of the time that schemas take (`npm run bench:discovery`). */
const byHand = <T>(read: (value: unknown) => T) =>
  z.unknown().transform((value, context): T => {
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      context.addIssue({ code: 'custom', message: 'unexpected', path: [...error.path] });
      return z.NEVER;
    }
  });

const key = z.object({
  id: z.string().min(1),
  description: text,
  created: text,
  expires: text,
  /** When it was revoked; `''` while it was not. */
  revoked: text,
  /** It lets nobody in any more: revoked, expired or used up. */
  invalid: flag,
});

const newKey = key.extend({
  /** The secret itself, which only the call that made the key tells. */
  key: z.string().min(1),
});

const absent = <T>(value: T | null | undefined): T | undefined => value ?? undefined;
const optionalTexts = z.array(z.string()).nullish().transform(absent);
const optionalText = z.string().nullish().transform(absent);

const vipService: z.ZodType<VipService> = z.looseObject({
  name: z.string().min(1),
  addrs: optionalTexts,
  comment: optionalText,
  displayName: optionalText,
  annotations: z.record(z.string(), z.string()).nullish().transform(absent),
  ports: optionalTexts,
  tags: optionalTexts,
});

const serviceHost = z.object({
  stableNodeID: z.string().min(1),
  /** `not-approved`, `approved:auto` or `approved:manual`. */
  approvalLevel: text,
  /** `ready` when the host's serve config covers the service's ports. */
  configured: text,
});

export const devicesSchema = z.object({ devices: byHand(devicesFrom) }).transform(({ devices }) => devices);
export const deviceSchema = byHand(deviceFrom);
export const keysSchema = z.object({ keys: z.array(key).nullable() }).transform(({ keys }) => keys ?? []);
export const keySchema = key;
export const newKeySchema = newKey;
export const vipServicesSchema = z
  .object({ vipServices: z.array(vipService).nullable() })
  .transform(({ vipServices }) => vipServices ?? []);
export const vipServiceSchema = vipService;
export const serviceHostsSchema = z.object({ hosts: z.array(serviceHost).nullable() }).transform(({ hosts }) => hosts ?? []);
export const approvalSchema = z.object({ approved: z.boolean(), autoApproved: flag });
/** Settings of the tailnet; which of them are there depends on the plan. */
export const settingsSchema = z.looseObject({
  devicesApprovalOn: flag,
  httpsEnabled: flag,
});
/** People of a tailnet, and those who share machines with it. Those without a login name are nobody that a machine could belong to. */
export const usersSchema = z
  .object({ users: z.array(z.object({ loginName: text, displayName: text })).nullable() })
  .transform(({ users }) => (users ?? []).filter(({ loginName }) => loginName !== ''));
/** `groups` of a policy file, in whichever case it is written: those who wrote the first policies began it with a capital. */
export const policyGroupsSchema = z.record(z.string(), z.unknown()).transform((policy, context) => {
  const given = Object.entries(policy).find(([section]) => section.toLowerCase() === 'groups')?.[1] ?? {};
  const groups = z.record(z.string(), texts).safeParse(given);
  if (groups.success) return groups.data;
  context.addIssue({ code: 'custom', message: 'unexpected', path: ['groups'] });
  return z.NEVER;
});
export const dnsPreferencesSchema = z.object({ magicDNS: z.boolean() });
export const searchPathsSchema = z.object({ searchPaths: texts }).transform(({ searchPaths }) => searchPaths);
export const tokenSchema = z.object({
  /** What may stand in a header. */
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  /** Seconds. */
  expires_in: z.number().positive().nullish(),
});

/** A machine. Times are RFC 3339, `''` where the API gives none; `expires` may be year 1. */
export type Device = {
  /** Stable node id, as in `n123CNTRL`. */
  readonly nodeId: string;
  /** MagicDNS name, no trailing dot. */
  readonly name: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly user: string;
  readonly tags: readonly string[];
  readonly authorized: boolean;
  /** Shared in from another tailnet. */
  readonly isExternal: boolean;
  readonly connectedToControl: boolean;
  readonly lastSeen: string;
  readonly created: string;
  readonly expires: string;
  readonly keyExpiryDisabled: boolean;
  readonly clientVersion: string;
  readonly os: string;
  /** Only with `fields` `all`. */
  readonly advertisedRoutes: readonly string[];
  readonly enabledRoutes: readonly string[];
};
export type Key = Readonly<z.infer<typeof key>>;
export type NewKey = Readonly<z.infer<typeof newKey>>;
/** A Tailscale Service. */
export type VipService = {
  /** `svc:web`. */
  readonly name: string;
  /** IPv4, then IPv6. An update must send back both. */
  readonly addrs?: readonly string[] | undefined;
  readonly comment?: string | undefined;
  readonly displayName?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** `tcp:443`, `tcp:80-90`, or only `do-not-validate`. */
  readonly ports?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Members we do not know: an update replaces the whole, so they must go back too. */
  readonly [member: string]: unknown;
};
export type ServiceHost = Readonly<z.infer<typeof serviceHost>>;
export type Approval = Readonly<z.infer<typeof approvalSchema>>;
export type Settings = Readonly<z.infer<typeof settingsSchema>>;
export type User = Readonly<z.infer<typeof usersSchema>[number]>;
/** Login names, by `group:…`. */
export type PolicyGroups = Readonly<Record<string, readonly string[]>>;
export type DnsPreferences = Readonly<z.infer<typeof dnsPreferencesSchema>>;
