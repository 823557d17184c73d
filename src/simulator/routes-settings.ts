import { z } from 'zod';
import { ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { bodyAs } from './reply.ts';
import type { Handler, Refusal, Route } from './reply.ts';
import type { Dns, Tailnet } from './state.ts';

const flag = z.boolean().nullable();
const settingsSchema = z
  .strictObject({
    aclsExternallyManagedOn: flag,
    aclsExternalLink: z.string().nullable(),
    devicesApprovalOn: flag,
    devicesAutoUpdatesOn: flag,
    devicesKeyDurationDays: z.int().min(1).max(180),
    usersApprovalOn: flag,
    usersRoleAllowedToJoinExternalTailnets: z.enum(['none', 'admin', 'member']),
    networkFlowLoggingOn: flag,
    regionalRoutingOn: flag,
    postureIdentityCollectionOn: flag,
    httpsEnabled: flag,
  })
  .partial();

const ips = z.array(z.union([z.ipv4(), z.ipv6()]));
const splitSchema = z.record(z.string(), ips.nullable());

const patchSettings: Handler = (tailnet, { body }) => {
  const changes = bodyAs(settingsSchema, body);
  if (!changes.ok) return changes;
  const settings = { ...tailnet.settings, ...(changes.value as Tailnet['settings']) };
  return ok({ tailnet: { ...tailnet, settings }, body: settings });
};

/** A write to the DNS settings: what the body changes, and what is shown of the result. */
const changing =
  <T>(schema: z.ZodType<T>, change: (body: T, dns: Dns) => Partial<Dns>, show: (dns: Dns) => unknown): Handler =>
  (tailnet, call) => {
    const body: Result<T, Refusal> = bodyAs(schema, call.body);
    if (!body.ok) return body;
    const dns = { ...tailnet.dns, ...change(body.value, tailnet.dns) };
    return ok({ tailnet: { ...tailnet, dns }, body: show(dns) });
  };

const showing =
  (show: (dns: Dns) => unknown): Handler =>
  ({ dns }) =>
    ok({ body: show(dns) });

const splitOf = (domains: z.infer<typeof splitSchema>): Dns['splitDns'] =>
  Object.fromEntries(
    Object.entries(domains).flatMap(([domain, servers]) => (servers === null || servers.length === 0 ? [] : [[domain, servers]])),
  );

const nameservers = ({ nameservers: dns }: Dns) => ({ dns });
const preferences = ({ magicDNS }: Dns) => ({ magicDNS });
const searchPaths = ({ searchPaths: paths }: Dns) => ({ searchPaths: paths });
const split = ({ splitDns }: Dns) => splitDns;
/** MagicDNS needs somebody to ask about other names, so it ends with the last nameserver. */
const setNameservers = changing(
  z.object({ dns: ips }),
  ({ dns }) => ({ nameservers: dns, ...(dns.length === 0 && { magicDNS: false }) }),
  (dns) => ({ ...nameservers(dns), ...preferences(dns) }),
);

const settingsPath = '/tailnet/:tailnet/settings';
const dnsPath = '/tailnet/:tailnet/dns';

export const settingsRoutes: readonly Route[] = [
  ['GET', settingsPath, ['feature_settings:read'], ({ settings }) => ok({ body: settings })],
  ['PATCH', settingsPath, ['feature_settings'], patchSettings],
  ['GET', `${dnsPath}/nameservers`, ['dns:read'], showing(nameservers)],
  ['POST', `${dnsPath}/nameservers`, ['dns'], setNameservers],
  ['GET', `${dnsPath}/preferences`, ['dns:read'], showing(preferences)],
  ['POST', `${dnsPath}/preferences`, ['dns'], changing(z.object({ magicDNS: z.boolean() }), (body) => body, preferences)],
  ['GET', `${dnsPath}/searchpaths`, ['dns:read'], showing(searchPaths)],
  ['POST', `${dnsPath}/searchpaths`, ['dns'], changing(z.object({ searchPaths: z.array(z.string()) }), (body) => body, searchPaths)],
  ['GET', `${dnsPath}/split-dns`, ['dns:read'], showing(split)],
  ['PUT', `${dnsPath}/split-dns`, ['dns'], changing(splitSchema, (body) => ({ splitDns: splitOf(body) }), split)],
  [
    'PATCH',
    `${dnsPath}/split-dns`,
    ['dns'],
    changing(splitSchema, (body, dns) => ({ splitDns: splitOf({ ...(dns.splitDns as z.infer<typeof splitSchema>), ...body }) }), split),
  ],
];
