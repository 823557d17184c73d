import type { HTTPRoute } from '../../api/generated/gateway-api.ts';
import type { TailscaleGateway } from '../../api/generated/tailscale.ts';
import { reuse } from '../../lib/equal.ts';
import { keyOf, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { lastCall } from '../../lib/last-call.ts';
import { memo, type Read, sameElements } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import { type ShareFindings, shareFindingsOf } from '../sharing/findings.ts';
import type { Hosting } from '../sharing/hosting.ts';
import type { Sharing } from '../sharing/sharing.ts';
import { whereaboutsBuilder, type Whereabouts } from '../sharing/standing.ts';
import { vipFindingsBuilder } from '../sharing/vip-findings.ts';
import type { Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';
import { endpointsStatuses, mistakeIn } from './endpoints-status.ts';
import { gatewayMistake, gatewayStatusOf } from './gateway-status.ts';
import { isGenerated } from './generated.ts';
import type { Generated } from './generated-routes.ts';
import { machinesOf } from './machines.ts';
import { proxyGroupStatuses, unusableGroup } from './proxy-group-status.ts';
import type { ProxySets } from './proxy-sets.ts';
import { selectedBy } from './selected.ts';
import { servicesStatusOf, unselectedBy } from './services-status.ts';
import { devicesById, type StatusTables, tailnetSyncsBuilder } from './status-tables.ts';
import { tailnetStatusOf } from './tailnet-status.ts';
import type { Templates } from './templates.ts';

type Entry = readonly [ObjectKey, Status];

export type Findings = {
  readonly tables: ModelTables;
  readonly templates: Templates;
  readonly proxySets: ProxySets;
  readonly generated: Generated;
  readonly gateways: ReadonlyMap<string, unknown>;
  readonly sharing: Sharing;
  readonly hosting: Hosting;
  readonly hour?: number;
  /** Why a generated route is on no listener of its Gateway. */
  readonly refusalOf: (route: HTTPRoute) => Verdict | undefined;
};

/** Status of every object of our own kinds. What did not change is the same object. */
export type OwnStatuses = {
  /** As tailnets and proxies stand; the same list while no status is another. */
  readonly observed: (findings: Findings) => readonly Entry[];
  /** Where nobody looks at tailnets or proxies: only what users have to change. */
  readonly unobserved: (findings: Findings) => readonly Entry[];
};

export const ownStatusesFor = (onCluster: boolean): OwnStatuses => {
  const endpointsStatusOf = endpointsStatuses(onCluster);
  const proxyGroupStatusOf = proxyGroupStatuses(onCluster);
  const syncsOf = tailnetSyncsBuilder();
  const whereabouts = whereaboutsBuilder(onCluster);
  const vipFindingsOf = vipFindingsBuilder();
  const worldOf = ({ tables, hosting, proxySets, hour }: Findings): Whereabouts => whereabouts(tables, hosting, proxySets.all, hour);
  const statusTables = (findings: Findings): StatusTables => ({
    ...findings.tables,
    proxySetsOf: onCluster ? findings.proxySets.of : none,
    devicesById: devicesById(findings.tables.tailnets),
    tailnetSyncs: syncsOf(findings.tables.tailnets),
    templateProblems: findings.templates.problems,
    vipFindings: vipFindingsOf(findings.sharing, worldOf(findings)),
  });
  const ofGateways = new WeakMap<TailscaleGateway, Status>();
  const sharedOf = memo((gateway: TailscaleGateway) =>
    lastCall((sharing: Sharing, world: Whereabouts): ShareFindings => shareFindingsOf(gateway, sharing, world)),
  );
  let last: readonly Entry[] = [];
  return {
    observed: (findings) => {
      const { tables, generated, gateways, refusalOf, sharing } = findings;
      const world = worldOf(findings);
      const full = statusTables(findings);
      const statuses: Entry[] = [];
      for (const tailnet of tables.TailscaleTailnet.values()) statuses.push(entryOf(tailnet, tailnetStatusOf(tailnet, full)));
      for (const endpoints of tables.TailscaleEndpoints.values())
        if (!isGenerated(endpoints.metadata.name)) statuses.push(entryOf(endpoints, endpointsStatusOf(endpoints, full)));
      for (const services of tables.TailscaleServices.values()) statuses.push(entryOf(services, servicesStatusOf(services, full)));
      for (const group of tables.TailscaleProxyGroup.values()) statuses.push(entryOf(group, proxyGroupStatusOf(group, full)));
      for (const gateway of tables.TailscaleGateway.values()) {
        const plan = generated.plans.get(localKeyOf(gateway));
        if (plan === undefined) continue;
        const isServed = gateways.has(plan.gateway);
        const status = gatewayStatusOf(gateway, {
          plan,
          isServed,
          refusalOf,
          syncs: full.tailnetSyncs,
          shared: sharedOf(gateway)(sharing, world),
        });
        const settled = reuse(ofGateways.get(gateway) ?? status, status);
        ofGateways.set(gateway, settled);
        statuses.push(entryOf(gateway, settled));
      }
      last = sameElements(last, statuses);
      return last;
    },
    unobserved: (findings) => {
      const { tables, generated } = findings;
      const full = statusTables(findings);
      const read: Read<StatusTables> = (table, key) => full[table].get(key) as never;
      const told = (kind: OwnKind, type: string, object: Own, verdict: Verdict | undefined): readonly Entry[] =>
        verdict === undefined ? [] : [[keyOf(object), mistakeStatus(kind, type, object, verdict)]];
      return [
        ...[...tables.TailscaleEndpoints.values()]
          .filter(({ metadata }) => !isGenerated(metadata.name))
          .flatMap((endpoints) => told('TailscaleEndpoints', 'Ready', endpoints, mistakeIn(endpoints, machinesOf(endpoints, read), read))),
        ...[...tables.TailscaleServices.values()].flatMap((services) =>
          told('TailscaleServices', 'EndpointsSelected', services, unselectedBy(services, selectedBy(services, read), read)),
        ),
        ...[...tables.TailscaleProxyGroup.values()].flatMap((group) =>
          told('TailscaleProxyGroup', 'Ready', group, unusableGroup(group, read)),
        ),
        ...[...tables.TailscaleGateway.values()].flatMap((gateway) =>
          told('TailscaleGateway', 'Accepted', gateway, gatewayMistake(generated.plans.get(localKeyOf(gateway)) ?? nothingPlanned)),
        ),
      ];
    },
  };
};

const none: ReadonlyMap<string, never> = new Map<string, never>();
const nothingPlanned = { tailnets: [] };

const entries = new WeakMap<Status, Entry>();

/** A status belongs to one object: the same entry as long as it is the same. */
const entryOf = (object: Own, status: Status): Entry => {
  const entry = entries.get(status) ?? [keyOf(object), status];
  entries.set(status, entry);
  return entry;
};

type Own = {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly generation: number };
};
type OwnKind = 'TailscaleEndpoints' | 'TailscaleServices' | 'TailscaleProxyGroup' | 'TailscaleGateway';

const mistakeStatus = (kind: OwnKind, type: string, { metadata }: Own, { reason, message }: Verdict): Status => ({
  kind,
  conditions: [conditionsOf(metadata.generation).no(type, reason, message)],
  fields: {},
});
