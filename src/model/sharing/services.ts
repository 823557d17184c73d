import type { Secret } from '../../api/core.ts';
import type { ObservedVipService } from '../../api/observations.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { localKey, localKeyOf, partsOf } from '../../lib/key.ts';
import { memo, sameElements } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { fail } from '../../lib/result.ts';
import { keyPairFrom } from '../gateways/certificates.ts';
import { isWide } from '../gateways/hostnames.ts';
import type { ModelTables } from '../tables.ts';
import { hostFrom } from '../tailnets/generated-names.ts';
import type { Candidate, Left } from './candidates.ts';
import { routeText } from './candidates.ts';
import { type Claim, type Conflict, serviceKey } from './claims.ts';
import { type MagicCertificate, type ServicePlan, servicePlanOf } from './service-plan.ts';
import type { SharedRoute } from './shared-routes.ts';

/** A service that a TailscaleGateway has, and what it answers. */
export type SharedService = {
  readonly candidate: Candidate;
  readonly plan: ServicePlan;
  /** MagicDNS name; absent while the tailnet's suffix is not known. */
  readonly dnsName?: string;
  /** What it is called and where it is: what its HTTP ports answer beside the names of its routes. */
  readonly hosts: readonly string[];
  readonly left: readonly Left[];
};

export type Services = {
  /** By `tailnet/svc:name`, oldest first. */
  readonly all: ReadonlyMap<string, SharedService>;
  /** Hosts made by `hostPattern` that another has. */
  readonly conflicts: readonly Conflict[];
};

type Standings = ModelTables['tailnetStandings'];
type Shared = ModelTables['sharedServices'];
export type RoutesOf = ReadonlyMap<string, readonly SharedRoute[]>;

/** A function from who has which service to what each is; `routes`: those of each Gateway. What did not change is the same object. */
export const servicesBuilder = (): ((won: readonly Claim[], tables: ModelTables, routes: RoutesOf) => Services) => {
  const addressesOf = addressesView();
  const certificatesOf = certificatesView();
  let before: ReadonlyMap<string, SharedService> = new Map();
  const derive = lastCall(
    (
      won: readonly Claim[],
      standings: Standings,
      certificates: ReadonlyMap<string, MagicCertificate>,
      addresses: Addresses,
      routes: RoutesOf,
    ): Services => {
      const hosts = hostClaims(routes);
      const conflicts: Conflict[] = [];
      const all = new Map<string, SharedService>();
      for (const claim of won) {
        const { candidate } = claim;
        if (candidate === undefined) continue;
        const key = serviceKey(claim);
        const suffix = standings.get(claim.tailnet)?.suffix;
        const dnsName = suffix === undefined ? undefined : `${candidate.label}.${suffix}`;
        const generated = hosts.take(candidate, suffix);
        if (generated.winner !== undefined) conflicts.push({ claim, what: generated.host ?? '', winner: generated.winner });
        const last = before.get(key);
        const host = generated.winner === undefined ? generated.host : undefined;
        const now = {
          candidate,
          plan: planFor(candidate)(certificates.get(key)),
          ...present({ dnsName }),
          hosts: sameElements(last?.hosts, hostsFor(candidate)(dnsName, host, addresses.get(key) ?? noAddresses)),
          left: generated.left ?? none,
        };
        all.set(key, last !== undefined && isSame(last, now) ? last : now);
      }
      before = all;
      return { all, conflicts };
    },
  );
  return (won, tables, routes) =>
    derive(
      won,
      tables.tailnetStandings,
      certificatesOf(won, tables.tailnetStandings, tables.Secret),
      addressesOf(tables.sharedServices),
      routes,
    );
};

const none: readonly Left[] = [];
const noAddresses: ObservedVipService['addresses'] = [];

const hostsFor = memo((candidate: Candidate) =>
  lastCall((dnsName: string | undefined, generated: string | undefined, addresses: ObservedVipService['addresses']): readonly string[] => {
    const names = [dnsName, candidate.label, generated].filter((name) => name !== undefined);
    return [...new Set([...names, ...addresses.map(hostOf)])];
  }),
);

const isSame = (one: SharedService, other: SharedService): boolean =>
  one.plan === other.plan &&
  one.dnsName === other.dnsName &&
  one.hosts === other.hosts &&
  one.candidate === other.candidate &&
  one.left === other.left;

/** As a client asks for an address. */
const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address);

const planFor = memo((candidate: Candidate): ((magic: MagicCertificate | undefined) => ServicePlan) =>
  lastCall((magic: MagicCertificate | undefined) => servicePlanOf(candidate, magic)),
);

type Addresses = ReadonlyMap<string, ObservedVipService['addresses']>;

/** Addresses of services alone: of who else uses them there is news all the time. */
const addressesView = (): ((shared: Shared) => Addresses) => {
  let last: Addresses = new Map();
  return lastCall((shared: Shared) => {
    last = sameMap(last, new Map([...shared].map(([key, { addresses }]) => [key, sameElements(last.get(key), addresses)] as const)));
    return last;
  });
};

/** Certificates of MagicDNS names, which proxies leave in Secrets called so beside themselves; by `tailnet/svc:name`. */
const certificatesView = (): ((
  won: readonly Claim[],
  standings: Standings,
  secrets: ModelTables['Secret'],
) => ReadonlyMap<string, MagicCertificate>) => {
  let last: ReadonlyMap<string, MagicCertificate> = new Map();
  return lastCall((won: readonly Claim[], standings: Standings, secrets: ModelTables['Secret']) => {
    const found = won.flatMap((claim) => {
      const suffix = standings.get(claim.tailnet)?.suffix;
      const { candidate } = claim;
      if (candidate === undefined || suffix === undefined || candidate.share.settings.certificate === 'Listener') return [];
      const { namespace } = partsOf(candidate.share.key);
      const certificate = certificateNamed(`${candidate.label}.${suffix}`, namespace, secrets);
      return certificate === undefined ? [] : [[serviceKey(claim), certificate] as const];
    });
    last = sameMap(last, new Map(found));
    return last;
  });
};

/** Undefined as well where the Secret holds none yet: proxies make it empty. */
const certificateNamed = (name: string, namespace: string, secrets: ReadonlyMap<string, Secret>): MagicCertificate | undefined => {
  const secret = secrets.get(localKey(namespace, name));
  return secret === undefined || ['tls.crt', 'tls.key'].every((key) => !secret.data?.[key]) ? undefined : certificateIn(secret);
};

const certificateIn = memo((secret: Secret): MagicCertificate => {
  const pair = keyPairFrom(secret);
  return pair.ok ? pair : fail(`Secret "${localKeyOf(secret)}" ${pair.problem}`);
});

type Generated = { readonly host?: string; readonly winner?: string; readonly left?: readonly Left[] };

/** Who has which generated host of which Gateway. What users wrote themselves wins, as it does on every listener. */
const hostClaims = (routes: RoutesOf): { readonly take: (candidate: Candidate, suffix: string | undefined) => Generated } => {
  const taken = new Map<string, string>();
  return {
    take: (candidate, suffix) => {
      const { share } = candidate;
      const { host, at, taker } = generatedFor(candidate)(suffix);
      if (host === undefined) {
        return share.settings.hostPattern.includes('{domain}') && suffix === undefined ? {} : { left: notAName(candidate) };
      }
      const writer = writersOf(routes.get(share.gateway) ?? noRoutes).get(host);
      const holder = writer !== undefined && !candidate.routes.includes(writer) ? routeText(writer) : taken.get(at);
      if (holder !== undefined) return { host, winner: holder };
      taken.set(at, taker);
      return { host };
    },
  };
};

/** The host that the pattern makes for a candidate with a tailnet's suffix, what others take by it, and who to them has it. */
const generatedFor = memo((candidate: Candidate) =>
  lastCall((suffix: string | undefined) => {
    const { share, label, name, namespace } = candidate;
    const host = hostFrom(share.settings.hostPattern, present({ service: label, tailnet: share.entry, namespace, domain: suffix }));
    const owner = partsOf(share.key);
    return {
      host,
      at: `${share.gateway} ${host ?? ''}`,
      taker: `${name} of ${share.owner.kind} "${owner.namespace}/${owner.name}", tailnet "${share.entry}"`,
    };
  }),
);

const notAName = memo(({ name, share }: Candidate): readonly Left[] => [
  { what: name, reason: 'InvalidHost', message: `hostPattern "${share.settings.hostPattern}" makes no DNS name of it` },
]);

const noRoutes: readonly SharedRoute[] = [];

/** The oldest route that has a host name of its own, by that. */
const writersOf = memo((routes: readonly SharedRoute[]): ReadonlyMap<string, SharedRoute> => {
  const writers = new Map<string, SharedRoute>();
  for (const shared of routes)
    for (const host of shared.places[0]?.attached.node.hostnames ?? []) if (!isWide(host) && !writers.has(host)) writers.set(host, shared);
  return writers;
});
