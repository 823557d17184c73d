import type { TailscaleGateway } from '../../api/generated/tailscale.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { localKeyOf } from '../../lib/key.ts';
import { sameElements } from '../../lib/memo.ts';
import type { DerivedGateway } from '../gateways/derive.ts';
import { byAge, oldestFirst } from '../gateways/precedence.ts';
import type { Gateway } from '../graph.ts';
import type { ModelTables } from '../tables.ts';
import { tailnetKey } from '../tailnets/tables.ts';
import { type Candidates, candidatesBuilder, type Left } from './candidates.ts';
import { type Claim, claimed, type Conflict, serviceKey } from './claims.ts';
import { type Entrances, entrancesBuilder } from './gateway-entrances.ts';
import { labelOf } from './service-names.ts';
import { type RoutesOf, servicesBuilder, type SharedService } from './services.ts';
import { type Share, sharesOf } from './share.ts';
import { sharedRoutesBuilder } from './shared-routes.ts';
import { type VipPlan, vipPlansBuilder } from './vip-plans.ts';

export type Sharing = {
  /** What TailscaleGateways share, oldest first, each with what of it could not be. */
  readonly shares: readonly (readonly [Share, readonly Left[]])[];
  /** Services that routes became, by `tailnet/svc:name`, oldest first. */
  readonly services: ReadonlyMap<string, SharedService>;
  /** Services that TailscaleServices have, by the same. */
  readonly vips: ReadonlyMap<string, VipPlan>;
  /** All that TailscaleServices want, by their `namespace/name`. */
  readonly vipPlans: ReadonlyMap<string, readonly VipPlan[]>;
  readonly conflicts: readonly Conflict[];
  /** Where services come in, and the Gateways with that. */
  readonly entrances: Entrances;
};

export type SharingOptions = {
  /** What `{cluster}` stands for. */
  readonly clusterName: string;
  /** Whether Gateways share the machine's ports. */
  readonly exclusivePorts: boolean;
};

type Gateways = ReadonlyMap<string, Gateway>;

/**
 * A function from what Gateways are to what of them is shared with tailnets. The same object while it says the same; a Gateway that nobody shares
 * is given back as it came.
 */
export const sharingBuilder = ({
  clusterName,
  exclusivePorts,
}: SharingOptions): ((tables: ModelTables, derived: readonly DerivedGateway[], gateways: Gateways) => Sharing) => {
  const sharesFor = sharesBuilder();
  const routesFor = routesBuilder();
  const candidatesFor = candidatesOfShares(clusterName);
  const vipPlansOf = vipPlansBuilder();
  const machinesFor = machinesBuilder();
  const servicesOf = servicesBuilder();
  const entrancesOf = entrancesBuilder(exclusivePorts);
  const claimsFrom = lastCall((candidates: CandidatesOf, plans: ReadonlyMap<string, readonly VipPlan[]>) => claimsOf(candidates, plans));
  const suffixesOf = suffixesView();
  const claimedOf = lastCall((claims: readonly Claim[], machines: ReadonlyMap<Claim, string>, suffixes: Suffixes) =>
    claimed(claims, { machineCalled: (claim) => machines.get(claim), suffixOf: (tailnet) => suffixes.get(tailnet) }),
  );
  const leftOf = lastCall((candidates: CandidatesOf, services: ReadonlyMap<string, SharedService>) => leftIn(candidates, services));
  const vipsOf = lastCall(wonVips);
  const allConflicts = lastCall((one: readonly Conflict[], other: readonly Conflict[]): readonly Conflict[] => [...one, ...other]);
  let last: Sharing | undefined;
  return (tables, derived, gateways) => {
    const shares = sharesFor(tables);
    const routes = routesFor(shares, derived);
    const candidates = candidatesFor(shares, routes);
    const vipPlans = vipPlansOf(tables);
    const claims = claimsFrom(candidates, vipPlans);
    const { won, conflicts } = claimedOf(claims, machinesFor(claims, tables), suffixesOf(tables.tailnetStandings));
    const services = servicesOf(won, tables, routes);
    const now: Sharing = {
      shares: leftOf(candidates, services.all),
      services: services.all,
      vips: vipsOf(won, vipPlans),
      vipPlans,
      conflicts: allConflicts(conflicts, services.conflicts),
      entrances: entrancesOf(services.all, shares, gateways, tables.proxies),
    };
    const before = last;
    if (before === undefined || (Object.keys(now) as (keyof Sharing)[]).some((field) => before[field] !== now[field])) last = now;
    return last ?? now;
  };
};

/** Oldest first. */
const sharesBuilder = (): ((tables: ModelTables) => readonly Share[]) => {
  const sharesFor = sharesOf();
  const oldest = lastCall((gateways: ModelTables['TailscaleGateway']): readonly TailscaleGateway[] =>
    oldestFirst([...gateways.values()], ({ metadata }) => metadata),
  );
  let last: readonly Share[] = [];
  return (tables) => {
    last = sameElements(
      last,
      oldest(tables.TailscaleGateway).flatMap((gateway) => sharesFor(gateway, tables)),
    );
    return last;
  };
};

/** Routes of the Gateways that somebody shares, by `namespace/name`. */
const routesBuilder = (): ((shares: readonly Share[], derived: readonly DerivedGateway[]) => RoutesOf) => {
  let builders = new Map<string, ReturnType<typeof sharedRoutesBuilder>>();
  let last: RoutesOf = new Map();
  return lastCall((shares: readonly Share[], derived: readonly DerivedGateway[]) => {
    const shared = new Set(shares.filter(({ going }) => !going).map(({ gateway }) => gateway));
    const before = builders;
    builders = new Map();
    const routes = new Map<string, ReturnType<ReturnType<typeof sharedRoutesBuilder>>>();
    for (const { node, attached } of derived) {
      if (node === undefined || attached === undefined) continue;
      const key = `${node.namespace}/${node.name}`;
      if (!shared.has(key)) continue;
      const builder = before.get(key) ?? sharedRoutesBuilder();
      builders.set(key, builder);
      routes.set(key, builder(attached));
    }
    last = sameMap(last, routes);
    return last;
  });
};

type CandidatesOf = ReadonlyMap<Share, Candidates>;

const nothing: Candidates = { list: [], left: [] };

const candidatesOfShares = (clusterName: string): ((shares: readonly Share[], routes: RoutesOf) => CandidatesOf) => {
  let builders = new Map<string, ReturnType<typeof candidatesBuilder>>();
  let last: CandidatesOf = new Map();
  return lastCall((shares: readonly Share[], routes: RoutesOf) => {
    const before = builders;
    builders = new Map();
    const candidates = shares.map((share) => {
      const at = `${share.key}/${share.entry}`;
      const builder = before.get(at) ?? candidatesBuilder(clusterName);
      builders.set(at, builder);
      const ofGateway = routes.get(share.gateway);
      return [share, share.going || ofGateway === undefined ? nothing : builder(share, ofGateway)] as const;
    });
    last = sameMap(last, new Map(candidates));
    return last;
  });
};

const claimsOf = (candidates: CandidatesOf, plans: ReadonlyMap<string, readonly VipPlan[]>): readonly Claim[] => [
  ...[...candidates.values()].flatMap(({ list }) =>
    list.map((candidate): Claim => ({ tailnet: candidate.share.tailnet, name: candidate.name, owner: candidate.share.owner, candidate })),
  ),
  ...[...plans.values()]
    .flat()
    .filter(({ problem }) => problem === undefined)
    .toSorted((one, other) => byAge(one.services.metadata, other.services.metadata))
    .map(({ tailnet, name, services }): Claim => ({ tailnet, name, owner: services })),
];

/**
 * Machines that services would be called like. One that the tailnet has already is no matter: it gave the machine another name, or did not mind.
 */
const machinesBuilder = (): ((claims: readonly Claim[], tables: ModelTables) => ReadonlyMap<Claim, string>) => {
  let last: ReadonlyMap<Claim, string> = new Map();
  const find = lastCall(
    (
      claims: readonly Claim[],
      standings: ModelTables['tailnetStandings'],
      machines: ModelTables['devicesNamed'],
      shared: ModelTables['sharedServices'],
    ) => {
      const found = claims.flatMap((claim) => {
        const suffix = standings.get(claim.tailnet)?.suffix;
        if (suffix === undefined || (shared.get(serviceKey(claim))?.addresses.length ?? 0) > 0) return [];
        const name = `${labelOf(claim.name)}.${suffix}`;
        return machines.get(tailnetKey(claim.tailnet, name)) === undefined ? [] : [[claim, name] as const];
      });
      last = sameMap(last, new Map(found));
      return last;
    },
  );
  return (claims, tables) => find(claims, tables.tailnetStandings, tables.devicesNamed, tables.sharedServices);
};

/** MagicDNS suffixes by TailscaleTailnet; the same map while they are the same, however the tailnets stand. */
type Suffixes = ReadonlyMap<string, string | undefined>;

const suffixesView = (): ((standings: ModelTables['tailnetStandings']) => Suffixes) => {
  let last: Suffixes = new Map();
  return lastCall((standings: ModelTables['tailnetStandings']) => {
    last = sameMap(last, new Map([...standings].map(([tailnet, { suffix }]) => [tailnet, suffix] as const)));
    return last;
  });
};

const leftIn = (candidates: CandidatesOf, services: ReadonlyMap<string, SharedService>): Sharing['shares'] =>
  [...candidates].map(([share, { list, left }]) => {
    const served = list.flatMap((candidate) => {
      const service = services.get(serviceKey({ tailnet: share.tailnet, name: candidate.name }));
      return service?.candidate === candidate ? [...service.plan.left, ...service.left] : [];
    });
    return [share, [...prefixOf(share), ...left, ...served]] as const;
  });

const prefixOf = ({ entry, settings }: Share): readonly Left[] =>
  settings.pathPrefix === '/'
    ? []
    : [
        {
          what: `tailnet ${entry}`,
          reason: 'UnsupportedValue',
          message: 'routeGeneration.ingress.pathPrefix has no effect, as routes keep their own paths',
        },
      ];

const wonVips = (won: readonly Claim[], plans: ReadonlyMap<string, readonly VipPlan[]>): ReadonlyMap<string, VipPlan> =>
  new Map(
    won.flatMap((claim) => {
      const plan = plans
        .get(localKeyOf(claim.owner))
        ?.find(({ services, tailnet }) => services === claim.owner && tailnet === claim.tailnet);
      return plan === undefined ? [] : [[serviceKey(claim), plan] as const];
    }),
  );
