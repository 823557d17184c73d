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

/** A machine. Times are RFC 3339, `''` where the API gives none; `expires` may be year 1. */
const device = z.object({
  /** Stable node id, as in `n123CNTRL`. */
  nodeId: z.string().min(1),
  /** MagicDNS name, no trailing dot. */
  name: text,
  hostname: text,
  addresses: texts,
  user: text,
  tags: texts,
  authorized: flag,
  /** Shared in from another tailnet. */
  isExternal: flag,
  connectedToControl: flag,
  lastSeen: text,
  created: text,
  expires: text,
  keyExpiryDisabled: flag,
  clientVersion: text,
  os: text,
  /** Only with `fields` `all`. */
  advertisedRoutes: texts,
  enabledRoutes: texts,
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

export const devicesSchema = z.object({ devices: z.array(device) }).transform(({ devices }) => devices);
export const deviceSchema = device;
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
export const dnsPreferencesSchema = z.object({ magicDNS: z.boolean() });
export const searchPathsSchema = z.object({ searchPaths: texts }).transform(({ searchPaths }) => searchPaths);
export const tokenSchema = z.object({
  /** What may stand in a header. */
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  /** Seconds. */
  expires_in: z.number().positive().nullish(),
});

export type Device = Readonly<z.infer<typeof device>>;
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
export type DnsPreferences = Readonly<z.infer<typeof dnsPreferencesSchema>>;
