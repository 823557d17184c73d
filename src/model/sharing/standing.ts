import type { Observations, ObservedProxies, ObservedProxy, ObservedVipService } from '../../api/observations.ts';
import { lastCall } from '../../lib/last-call.ts';
import { partsOf, type ObjectKey } from '../../lib/key.ts';
import { present } from '../../lib/present.ts';
import type { HostedService, ProxySet } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import type { TailnetStanding } from '../tailnets/standings.ts';
import { vipPortsInclude } from '../tailnets/vip-ports.ts';
import type { Hosting } from './hosting.ts';

/** What the standing of services is told by. */
export type Whereabouts = {
  readonly onCluster: boolean;
  readonly hosting: Hosting;
  /** By `namespace/name`. */
  readonly proxySets: ReadonlyMap<string, ProxySet>;
  readonly proxies: Observations['proxies'];
  readonly sharedServices: Observations['sharedServices'];
  readonly standings: ReadonlyMap<string, TailnetStanding>;
  /** As observed. */
  readonly hour?: number;
};

/** A function that brings these together; the same object while none of it is another. */
export const whereaboutsBuilder = (
  onCluster: boolean,
): ((tables: ModelTables, hosting: Hosting, proxySets: Whereabouts['proxySets'], hour?: number) => Whereabouts) => {
  const made = lastCall(
    (
      hosting: Hosting,
      proxySets: Whereabouts['proxySets'],
      proxies: Observations['proxies'],
      sharedServices: Observations['sharedServices'],
      standings: Whereabouts['standings'],
      hour: number | undefined,
    ): Whereabouts => ({ onCluster, hosting, proxySets, proxies, sharedServices, standings, ...present({ hour }) }),
  );
  return ({ proxies, sharedServices, tailnetStandings }, hosting, proxySets, hour) =>
    made(hosting, proxySets, proxies, sharedServices, tailnetStandings, hour);
};

/** A service that somebody has, by whomever it is made. */
export type Asked = {
  readonly key: string;
  readonly tailnet: string;
  /** `svc:web`. */
  readonly name: string;
  readonly sets: readonly string[];
  /** As the tailnet is to have them. */
  readonly ports: readonly string[];
};

/**
 * What of a service is wrong first, on the way from the tailnet to what answers, and the next step; undefined where peers can reach it. Says nothing of
 * whether it was asked for rightly.
 */
export const standingOf = (asked: Asked, world: Whereabouts): Verdict | undefined => {
  const { key, name, tailnet } = asked;
  const service = world.sharedServices.get(key);
  const failure = service?.failure;
  const known = world.standings.get(tailnet);
  if (known?.heard !== true)
    return pending(
      'TailnetNotReady',
      known?.remark ?? `nothing was heard of tailnet "${tailnet}" yet: see the status of its TailscaleTailnet`,
    );
  if (service === undefined || service.addresses.length === 0)
    return failure ?? pending('Pending', `${name} is not on tailnet "${tailnet}" yet`);
  if (failure !== undefined && conflicting.has(failure.reason)) return failure;
  const differing = portsDiffer(asked, service);
  if (differing !== undefined) return failure?.reason === differing.reason ? failure : differing;
  return world.onCluster ? hostingOf(asked, service, world) : undefined;
};

/** What of a service is not as it should be though peers reach it, in words for users. */
export const remarksOn = ({ key, name, sets }: Asked, world: Whereabouts): readonly string[] => {
  const service = world.sharedServices.get(key);
  if (service === undefined) return [];
  const { failure, hosts } = service;
  const waiting = sets
    .flatMap((set) => offering(world.proxies.get(set)?.pods ?? [], name))
    .filter(({ nodeId }) => nodeId !== undefined && hosts.get(nodeId)?.approved === false)
    .map(({ pod }) => pod);
  return [
    ...(failure === undefined ? [] : [`${failure.reason}: ${failure.message}`]),
    ...(waiting.length === 0 ? [] : [`not approved as hosts: ${waiting.join(', ')}`]),
  ];
};

/** Reasons of the coordination of services that say: somebody else has this one. */
export const conflicting: ReadonlySet<string> = new Set([
  'NameTaken',
  'NotShared',
  'OwnerUnknown',
  'RegistryNewer',
  'RegistryInvalid',
  'ClusterNameTaken',
]);

/** What others want of the service: our hosts do not come into it. */
const ofOthers: ReadonlySet<string> = new Set(['PortsDiffer', 'TagsDiffer']);

const pending = (reason: string, message: string): Verdict => ({ reason, message });

const portsDiffer = ({ name, ports }: Asked, service: ObservedVipService): Verdict | undefined => {
  if (service.ports.length === 0 || service.ports.includes('do-not-validate')) return undefined;
  const missing = ports.filter((port) => {
    const number = /^tcp:(\d+)$/.exec(port)?.[1];
    return number !== undefined && !vipPortsInclude(service.ports, Number(number));
  });
  if (missing.length === 0) return undefined;
  const message = `${name} has ports ${service.ports.join(', ')} in the tailnet, not ${missing.join(', ')}: whoever made it has to add them, or use another name`;
  return { reason: 'PortsDiffer', message };
};

/** From its proxies on: that one set of them serves it is enough. */
const hostingOf = (asked: Asked, service: ObservedVipService, world: Whereabouts): Verdict | undefined => {
  const verdicts = asked.sets.map((set) => hostedBy(set, asked, service, world));
  return verdicts.includes(undefined) ? undefined : (verdicts[0] ?? pending('NoProxies', 'no proxies host it'));
};

const hostedBy = (set: string, asked: Asked, service: ObservedVipService, world: Whereabouts): Verdict | undefined => {
  const { name } = asked;
  const hosted = world.hosting.services.get(set)?.get(name);
  if (world.proxySets.get(set) === undefined || hosted === undefined)
    return pending('NoProxies', `there are no proxies "${set}" to host it`);
  const observed = world.proxies.get(set);
  if (observed?.failure !== undefined)
    return { reason: observed.failure.reason, message: `StatefulSet "${set}": ${observed.failure.message}` };
  const pods = (observed?.pods ?? []).filter(({ joined }) => joined);
  if (pods.length === 0) return pending('ProxiesNotReady', `no proxy of StatefulSet "${set}" is a machine of the tailnet yet`);
  if (!hosted.wanted)
    return pending(
      'Withdrawn',
      'none of its backends is healthy, so that it is not offered to the tailnet from here: other clusters may serve it',
    );
  return unserved(set, name, hosted, observed) ?? unapproved(set, asked, pods, service, world.proxySets.get(set)?.tags ?? []);
};

const unserved = (
  set: string,
  name: string,
  { mapping, ports }: HostedService,
  observed: ObservedProxies | undefined,
): Verdict | undefined => {
  if (mapping !== undefined && observed?.led?.includes(name) !== true)
    return pending('NotServed', `proxies of StatefulSet "${set}" are not told yet where it leads`);
  const missing = [...ports].find(([port, leadsTo]) => observed?.served?.get(name)?.get(port) !== leadsTo.port);
  if (missing === undefined) return undefined;
  const [port, { envoy }] = missing;
  const waits = envoy === undefined ? '' : `, which waits until every Envoy of Gateway "${envoy.gateway}" has its listener`;
  return pending('NotServed', `proxies of StatefulSet "${set}" do not serve port ${port} yet${waits}`);
};

const offering = (pods: readonly ObservedProxy[], service: string): readonly ObservedProxy[] =>
  pods.filter(({ advertised, joined }) => joined && advertised?.includes(service) === true);

const unapproved = (
  set: string,
  { name, tailnet }: Asked,
  pods: readonly ObservedProxy[],
  service: ObservedVipService,
  tags: readonly string[],
): Verdict | undefined => {
  const advertising = offering(pods, name);
  if (advertising.length === 0) return pending('NotAdvertised', `no proxy of StatefulSet "${set}" offers it to the tailnet yet`);
  const hosts = advertising.flatMap(({ nodeId }) => (nodeId === undefined ? [] : (service.hosts.get(nodeId) ?? [])));
  if (hosts.some(({ approved, configured }) => approved && configured)) return undefined;
  // Hosts are asked about, and approved, by the same API.
  if (service.failure !== undefined && !ofOthers.has(service.failure.reason)) return service.failure;
  if (hosts.length === 0 || hosts.some(({ approved }) => approved))
    return pending('NotAdvertised', `tailnet "${tailnet}" does not know of a proxy of StatefulSet "${set}" that serves it yet`);
  const line = JSON.stringify({ services: { [name]: tags } });
  return {
    reason: 'NotApproved',
    message: `no proxy is approved as its host: set autoApprove, or add "autoApprovers": ${line} to the policy of tailnet "${tailnet}"`,
  };
};

/** What users of raw TCP have to know, though all is well. */
export const halfClosed = 'connections are closed in both directions when one side ends its own: Tailscale does not carry half-closed ones';

/** For users: `HTTPRoute "default/web"`. */
export const objectText = (key: ObjectKey): string => {
  const { kind, namespace, name } = partsOf(key);
  return `${kind} "${namespace}/${name}"`;
};
