import { equal } from '../../lib/equal.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { memo, sameElements } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { Gateway, Graph } from '../graph.ts';
import type { Infrastructure } from '../infrastructure.ts';
import type { HostedPort, HostedService, ProxySet } from '../proxy-set.ts';
import type { ModelTables } from '../tables.ts';
import type { Entrance } from './gateway-entrances.ts';
import { works } from './health.ts';
import { mappingFrom } from './kernel-plan.ts';
import type { SharedService } from './services.ts';
import type { Sharing } from './sharing.ts';
import type { VipPlan } from './vip-plans.ts';

type GatewayName = ProxySet['gateways'][number];

/** What ingress proxies host and for whom, by `namespace/name` of their StatefulSet. */
export type Hosting = {
  readonly services: ReadonlyMap<string, ProxySet['services']>;
  readonly gateways: ReadonlyMap<string, readonly GatewayName[]>;
};

/** Name by which proxies reach the Envoys of a Gateway where a cluster runs them. */
export type EntranceHost = (infrastructure: Infrastructure) => string;

/** `gateways`: under policies. */
type World = Pick<Graph, 'gateways' | 'infrastructures' | 'endpoints'> & { readonly tables: ModelTables };

/** A function that gives proxies their services; without `entranceHost` Gateways are reached at their own addresses. What did not change is the same object. */
export const hostingBuilder = (entranceHost: EntranceHost | undefined): ((sharing: Sharing, world: World) => Hosting) => {
  const names = new Map<string, GatewayName>();
  let known: ReadonlyMap<string, HostedService> = new Map();
  let last: Hosting = { services: new Map(), gateways: new Map() };

  const hostOf = (gateway: Gateway, { infrastructures }: World): string => {
    const infrastructure = infrastructures.get(`${gateway.namespace}/${gateway.name}`);
    if (entranceHost !== undefined && infrastructure !== undefined) return entranceHost(infrastructure);
    return gateway.sockets.find(({ tailnet }) => tailnet !== undefined)?.addresses[0] ?? '';
  };

  const sharedBy = (key: string, service: SharedService, sharing: Sharing, world: World): HostedService => {
    const { gateway, settings } = service.candidate.share;
    const node = sharing.entrances.gateways.get(gateway);
    const host = node === undefined ? '' : hostOf(node, world);
    const ports = hostedPorts(service)(sharing.entrances.of.get(key) ?? nowhere, gateway, host);
    const certificate = service.plan.usesMagicCertificate ? service.dnsName : undefined;
    return {
      ports,
      // One that waits for its certificate alone has to be there to obtain it.
      wanted: ports.size + (certificate === undefined ? 0 : 1) > 0 && (!settings.withdraws || works(key, service, world)),
      ...present({ certificate }),
    };
  };

  return (sharing, world) => {
    const before = known;
    const now = new Map<string, HostedService>();
    const services = new Map<string, Map<string, HostedService>>();
    const users = new Map<string, Set<string>>();
    const host = (set: string, key: string, name: string, hosted: HostedService): void => {
      const settled = settledService(before.get(`${set} ${key}`), hosted);
      now.set(`${set} ${key}`, settled);
      services.set(set, (services.get(set) ?? new Map<string, HostedService>()).set(name, settled));
    };
    for (const [key, service] of sharing.services) {
      const { share, name } = service.candidate;
      if (share.unhosted === undefined && service.plan.numbers.length > 0)
        host(share.set, key, name, sharedBy(key, service, sharing, world));
    }
    for (const [key, plan] of sharing.vips) for (const set of plan.sets) host(set, key, plan.name, plannedBy(key, plan, world));
    for (const [{ set, gateway }] of sharing.shares) users.set(set, (users.get(set) ?? new Set<string>()).add(gateway));
    known = now;
    const byName = [...services].map(([set, ofSet]) => {
      const sorted = new Map([...ofSet].toSorted(([one], [other]) => byCodeUnit(one, other)));
      return [set, sameMap(last.services.get(set) ?? none, sorted)] as const;
    });
    const named = [...users].map(([set, gateways]) => {
      const list = [...gateways].toSorted(byCodeUnit).map((gateway) => nameOf(names, gateway));
      return [set, sameElements(last.gateways.get(set), list)] as const;
    });
    last = { services: sameMap(last.services, new Map(byName)), gateways: sameMap(last.gateways, new Map(named)) };
    return last;
  };
};

const none: ProxySet['services'] = new Map();
const nowhere: readonly Entrance[] = [];

type HostedPortsFrom = (entrances: readonly Entrance[], gateway: string, host: string) => HostedService['ports'];

const hostedPorts = memo<SharedService, HostedPortsFrom>(() =>
  lastCall(
    (entrances: readonly Entrance[], gateway: string, host: string): HostedService['ports'] =>
      new Map(
        entrances.map(({ port, boundPort, listener }): readonly [number, HostedPort] => [
          port,
          { host, port: boundPort, envoy: { gateway, listener } },
        ]),
      ),
  ),
);

const plannedBy = (key: string, { leadsTo, ports, works: wanted }: VipPlan, { tables }: World): HostedService => {
  const addresses = tables.sharedServices.get(key)?.addresses ?? [];
  return { ports, wanted, ...present({ mapping: leadsTo && mappingFrom(addresses, leadsTo) }) };
};

const nameOf = (names: Map<string, GatewayName>, gateway: string): GatewayName => {
  const [namespace = '', name = ''] = gateway.split('/');
  const known = names.get(gateway) ?? { namespace, name };
  names.set(gateway, known);
  return known;
};

const settledService = (before: HostedService | undefined, now: HostedService): HostedService =>
  before !== undefined &&
  before.wanted === now.wanted &&
  before.certificate === now.certificate &&
  equal(before.mapping, now.mapping) &&
  (before.ports === now.ports || samePorts(before.ports, now.ports))
    ? before
    : now;

const samePorts = (one: HostedService['ports'], other: HostedService['ports']): boolean =>
  one.size === other.size &&
  [...other].every(([number, { host, port, envoy }]) => {
    const before = one.get(number);
    return (
      before?.host === host &&
      before.port === port &&
      before.envoy?.listener === envoy?.listener &&
      before.envoy?.gateway === envoy?.gateway
    );
  });
