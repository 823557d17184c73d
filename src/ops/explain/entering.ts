import type { ObservedVipService } from '../../api/observations.ts';
import { hostPortText } from '../../lib/host-port.ts';
import { type ObjectKey, partsOf } from '../../lib/key.ts';
import type { Listener, Socket } from '../../model/graph.ts';
import type { HostedService } from '../../model/proxy-set.ts';
import { objectText } from '../../model/sharing/standing.ts';
import { nameNotCertified } from './certificates.ts';
import type { Path, Step, Wrong } from './explanation.ts';
import { type Asker, askerFrom } from './identity.ts';
import type { Request } from './request.ts';
import { complaintsOf, type Shared, sharedGateway } from './shared.ts';
import { tailnetStep } from './tailnet.ts';
import type { World } from './world.ts';

/** The way of peers from their tailnet to Envoy. */
export type Entering = {
  readonly asker: Asker;
  readonly steps: readonly Step[];
  readonly wrong?: Wrong;
  /** Peers do not get through. */
  readonly stops: boolean;
  /** Why nobody knows the peer that is asked about. */
  readonly stranger?: string;
};

/** How peers come in by a socket; undefined for a Gateway's own. `peer`: the one that is asked about. */
export const enteringBy = (
  { tailnet, port, listeners }: Socket,
  peer: string | undefined,
  world: World,
  request?: Request,
): Entering | undefined => {
  if (tailnet === undefined) return undefined;
  const shared = world.shared().get(`${tailnet.tailnet}/${tailnet.service}`);
  const entering = enteringTo(shared ?? lingering(tailnet), port, peer, world);
  return entering.wrong === undefined && request !== undefined ? { ...entering, ...uncertified(listeners, request) } : entering;
};

/** Nobody wants the service any more, but proxies still lead to it. */
const lingering = ({ tailnet, service, sharedBy }: NonNullable<Socket['tailnet']>): Shared => {
  const owner = sharedBy ?? 'TailscaleGateway//';
  const wrong = { reason: 'NotShared', message: `nobody wants ${service} any more: it is on its way out`, object: owner };
  return { key: `${tailnet}/${service}`, tailnet, name: service, owner, routes: [], ports: [], names: [], wrong };
};

const uncertified = (listeners: readonly Listener[], request: Request): { readonly wrong?: Wrong } => {
  const message = nameNotCertified(listeners, request);
  return message === undefined ? {} : { wrong: { reason: 'CertificateMissing', message } };
};

/** From the peer by its tailnet, the service and its proxies; `port`: of the service. */
export const enteringTo = (shared: Shared, port: number, peer: string | undefined, world: World): Entering => {
  const said = peer === undefined ? undefined : askerFrom(peer, shared.tailnet, world);
  const steps = [...(said === undefined ? [] : [said.step]), tailnetStep(shared.tailnet, world), serviceStep(shared, world)];
  const { wrong } = shared;
  return {
    asker: said?.asker ?? 'unsaid',
    steps: [...steps, ...proxySteps(shared, port, world)],
    // Where tailnets are not asked, nobody can tell.
    stops: wrong !== undefined && world.asked,
    ...(wrong === undefined ? {} : { wrong }),
    ...(said?.asker === 'unknown' ? { stranger: said.step.detail } : {}),
  };
};

const serviceStep = (shared: Shared, world: World): Step => {
  const { key, name, owner, ports, remark } = shared;
  const observed = world.sharedServices.get(key);
  const addresses = observed?.addresses ?? [];
  const nowhere = world.asked ? 'no address yet' : 'addresses are not looked up';
  const detail = [
    addresses.length === 0 ? nowhere : addresses.join(', '),
    `ports ${portsAt(observed, ports).join(', ')}`,
    ...(observed?.owner === undefined ? [] : [`made by ${observed.owner}`]),
    ...(observed === undefined || observed.consumers.length === 0 ? [] : [`used by ${observed.consumers.join(', ')}`]),
    ...(remark === undefined ? [] : [remark]),
  ].join('; ');
  return { at: 'service', name, detail, object: owner };
};

/** As the tailnet has them, if it was told. */
const portsAt = (observed: ObservedVipService | undefined, asked: readonly string[]): readonly string[] =>
  observed === undefined || observed.ports.length === 0 || observed.ports.includes('do-not-validate') ? asked : observed.ports;

/** Addresses of the cluster that kernels of proxies lead a service to, for users; undefined where they do not. */
export const ledTo = (hosted: HostedService | undefined): string | undefined =>
  hosted?.mapping && [hosted.mapping.ipv4, hosted.mapping.ipv6].flatMap((pair) => (pair === undefined ? [] : [pair.to])).join(', ');

/** The sets of proxies that host a service: how far each has come. */
const proxySteps = ({ key, name }: Shared, port: number, world: World): readonly Step[] =>
  (world.graph.vipServices.get(key)?.sets ?? []).map((set): Step => {
    const observed = world.read('proxies', set);
    if (observed === undefined) return { at: 'proxies', name: set, detail: world.asked ? 'not there yet' : 'not looked up' };
    const joined = observed.pods.filter((pod) => pod.joined);
    const offering = joined.filter(({ advertised }) => advertised?.includes(name));
    const hosts = world.sharedServices.get(key)?.hosts;
    const approved = offering.filter(({ nodeId }) => nodeId !== undefined && hosts?.get(nodeId)?.approved);
    const leadsTo = observed.served?.get(name)?.get(port);
    const hosted = world.graph.proxySets.get(set)?.services.get(name);
    const target = hosted?.ports.get(port);
    const led = observed.led?.includes(name) === true ? ledTo(hosted) : undefined;
    const passed = leadsTo === undefined ? undefined : hostPortText({ host: target?.host ?? '', port: leadsTo });
    const to = led ?? passed;
    const there = to === undefined ? 'not served yet' : `leads to ${to}`;
    const detail = [
      `${joined.length} of ${observed.desired} are machines of the tailnet`,
      `port ${port} ${there}`,
      `${offering.length} offer it`,
      `${approved.length} approved as its hosts`,
    ].join('; ');
    return { at: 'proxies', name: set, detail };
  });

/** A path through Envoy with the way there before it, and what is wrong first. */
export const withEntering = (path: Path, { steps, wrong, stops, stranger }: Entering): Path => {
  const { status, ...rest } = path;
  const first = wrong ?? wrongIn(path, stranger);
  return {
    ...rest,
    outcome: stops ? 'refused' : path.outcome,
    ...(stops || status === undefined ? {} : { status }),
    steps: [...steps, ...path.steps],
    ...(first === undefined ? {} : { wrong: first }),
  };
};

const wrongIn = ({ outcome, steps }: Path, stranger: string | undefined): Wrong | undefined => {
  const last = steps.at(-1);
  if (outcome === 'forwarded' || outcome === 'redirected' || last === undefined) return undefined;
  if (last.at === 'identity') return { message: stranger ?? last.detail };
  if (last.at !== 'endpoint') return { message: last.detail };
  const backend = steps.findLast(({ at }) => at === 'backend');
  const isPlain = backend?.object !== undefined && partsOf(backend.object).kind === 'Service';
  return { message: `${backend?.name ?? ''}: ${isPlain ? 'no endpoint is healthy: make one of its pods ready' : last.detail}` };
};

/** Services of a route that do not lead to it, and why it has none. `reached`: keys of those that do. */
export const unsharedPaths = (
  route: ObjectKey,
  reached: ReadonlySet<string>,
  only: string | undefined,
  peer: string | undefined,
  world: World,
): readonly Path[] => {
  const isAsked = (owner: ObjectKey): boolean => only === undefined || sharedGateway(owner, world) === only;
  const waiting = [...world.shared().values()].filter(
    ({ key, owner, routes, wrong }) => wrong !== undefined && routes.includes(route) && !reached.has(key) && isAsked(owner),
  );
  const served = new Set([...world.shared().values()].flatMap(({ owner, routes }) => (routes.includes(route) ? [owner] : [])));
  return [
    ...waiting.map((shared) => stoppedPath(enteringTo(shared, firstPort(shared), peer, world), world, shared.owner)),
    ...complaintsOf(objectText(route), world)
      .filter(({ object }) => !served.has(object) && isAsked(object))
      .map(({ object, ...wrong }): Path => {
        const step: Step = { at: 'service', name: '', detail: wrong.message, object };
        return {
          gateway: sharedGateway(object, world) ?? '',
          outcome: 'refused',
          steps: [step],
          passedOver: [],
          wrong: { ...wrong, object },
        };
      }),
  ];
};

const firstPort = ({ ports }: Shared): number => Number(/^tcp:(\d+)$/.exec(ports[0] ?? '')?.[1] ?? 443);

/** A path that ends before any Envoy. */
export const stoppedPath = ({ steps, wrong }: Entering, world: World, owner: ObjectKey, last?: Step): Path => {
  const first = wrong ?? (last && { message: last.detail });
  return {
    gateway: sharedGateway(owner, world) ?? '',
    outcome: 'refused',
    steps: [...steps, ...(last === undefined ? [] : [last])],
    passedOver: [],
    ...(first === undefined ? {} : { wrong: first }),
  };
};
