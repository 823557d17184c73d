/** What is told of proxies: to the model, and to those who read a status. */
import type { ObservedProxies, ObservedProxy } from '../../src/api/observations.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { isMap } from '../../src/lib/patched-map.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { type Group, ledIn, servedIn, statefulSetIn, type StatefulSetFields } from './group.ts';
import { ordinalOf } from './objects/secrets.ts';
import type { Serving } from './objects/serve-config.ts';
import { podIPsOf, podStatusOf } from './pod.ts';
import { configIn, stateIn } from './replica.ts';

type Failure = NonNullable<ObservedProxies['failure']>;

export type Telling = {
  readonly observed: ObservedProxies;
  /** When the same may have to be told otherwise, in milliseconds since the epoch: a proxy has then had its time. */
  readonly until: number;
};

/** A proxy whose image is there is in its tailnet after seconds; with a refused key it tries for a minute. */
const patienceMs = 180_000;

/**
 * One set: as it stands, and what is wanted of it where we know. `failure` is what its maker met with; without one, proxies that run and do not get
 * into their tailnet are a failure too.
 */
export const observedFrom = (group: Group, set: ProxySet | undefined, failure: Failure | undefined, now: number): Telling => {
  const { metadata, ...rest } = statefulSetIn(group) ?? { metadata: undefined };
  const { spec, status } = rest as StatefulSetFields;
  const served = servedIn(group);
  const led = [...(ledIn(group)?.keys() ?? [])].toSorted(byCodeUnit);
  const proxies = proxiesOf(group);
  const waiting = proxies.filter(({ observed, startedMs }) => startedMs !== undefined && !observed.joined);
  const late = waiting.filter(({ startedMs = 0 }) => startedMs + patienceMs <= now).map(({ observed }) => observed.pod);
  const due = waiting.map(({ startedMs = 0 }) => startedMs + patienceMs).filter((at) => at > now);
  const told = failure ?? neverLoggedIn(late, set);
  return {
    observed: {
      desired: set === undefined || set.going ? (spec?.replicas ?? 0) : set.replicas,
      ready: status?.readyReplicas ?? 0,
      ...(metadata?.creationTimestamp === undefined ? {} : { createdAt: metadata.creationTimestamp }),
      pods: proxies.map(({ observed }) => observed),
      ...(told === undefined ? {} : { failure: told }),
      ...(served === undefined ? {} : { served: envoyPortsOf(served) }),
      ...(led.length === 0 ? {} : { led }),
    },
    until: Math.min(...due, Number.POSITIVE_INFINITY),
  };
};

const envoyPortsOf = (served: Serving): NonNullable<ObservedProxies['served']> =>
  new Map(
    [...served].map(([service, ports]) => [
      service,
      new Map(
        [...ports].flatMap(([port, entry]) => (entry === 'other' || entry.certificate !== undefined ? [] : [[port, entry.port] as const])),
      ),
    ]),
  );

const neverLoggedIn = (late: readonly string[], set: ProxySet | undefined): Failure | undefined => {
  if (late.length === 0) return undefined;
  const control = set === undefined ? 'the control server' : set.controlURL;
  return {
    reason: 'NeverLoggedIn',
    message: `${late.join(', ')}: not logged in ${patienceMs / 60_000} minutes after the start. See the log of the pod: ${control} must be reachable from it, and the tailnet may want devices to be approved`,
  };
};

type Proxy = { readonly observed: ObservedProxy; readonly startedMs: number | undefined };

const proxiesOf = (group: Group): readonly Proxy[] => {
  const pods = new Map(group.pods.map((pod) => [ordinalOf(pod, group.name), pod]));
  const isIngress = servedIn(group) !== undefined;
  const ordinals = [...new Set([...pods.keys(), ...group.states.keys()])].filter((ordinal) => ordinal !== undefined);
  return ordinals
    .toSorted((one, other) => one - other)
    .map((ordinal) => {
      const proxy = proxyFrom(`${group.name}-${ordinal}`, pods.get(ordinal), group.states.get(ordinal));
      if (!isIngress) return proxy;
      const advertised = (configIn(group.configs.get(ordinal)).advertise ?? []).toSorted(byCodeUnit);
      return { ...proxy, observed: { ...proxy.observed, advertised } };
    })
    .filter(({ observed, startedMs }) => startedMs !== undefined || observed.nodeId !== undefined || observed.wantsKey);
};

const proxyFrom = (name: string, pod: KubeObject | undefined, secret: KubeObject | undefined): Proxy => {
  const state = stateIn(secret);
  const status = podStatusOf(pod);
  const ips = podIPsOf(pod);
  const isRunning = pod !== undefined && pod.metadata.deletionTimestamp === undefined;
  const [nodeId] = state.nodeIds;
  const wrote = pod?.metadata.uid !== undefined && state.podUid?.toLowerCase() === pod.metadata.uid.toLowerCase();
  const { egress } = state;
  const forwards = egress !== undefined && egress.podIPs.some((ip) => ips.includes(ip)) ? egress.forwards : undefined;
  const startedMs = isRunning ? Date.parse(status.startTime ?? pod.metadata.creationTimestamp ?? '') : Number.NaN;
  return {
    observed: {
      pod: name,
      ips,
      ready: isRunning && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true,
      joined: wrote && state.fqdn?.includes('.') === true,
      ...(nodeId === undefined ? {} : { nodeId }),
      ...(state.fqdn === undefined ? {} : { fqdn: state.fqdn }),
      addresses: state.addresses,
      ...(forwards === undefined ? {} : { forwards }),
      wantsKey: state.refusedKey !== undefined,
    },
    startedMs: pod === undefined ? undefined : Number.isNaN(startedMs) ? Number.POSITIVE_INFINITY : startedMs,
  };
};

/** Whether two say the same. Maps are told apart by what is in them. */
export const sameObserved = (one: ObservedProxies, other: ObservedProxies): boolean => one === other || textOf(one) === textOf(other);

const textOf = (observed: ObservedProxies): string => JSON.stringify(observed, (_, value: unknown) => (isMap(value) ? [...value] : value));
