/** Status with its times, in the shape a cluster shows it. */
import type { Condition, Status } from './status.ts';

export type TimedCondition = Condition & { readonly lastTransitionTime: string };

/** `status` as on a cluster: every list of conditions inside has times, the rest is the same. */
export type ClusterStatus = { readonly [field: string]: unknown };

/** `about`: the parent, ancestor or listener it is about. `trouble`: it says that something is not as the user wants it. */
export type ShownCondition = TimedCondition & { readonly about?: string; readonly trouble: boolean };

export type StatusWithTimes = {
  readonly status: ClusterStatus;
  /** All conditions, wherever they stand in `status`. */
  readonly conditions: readonly ShownCondition[];
};

type About = readonly [about: string, conditions: readonly Condition[]];

/** When each condition of a status last changed (RFC 3339), in the order of `StatusWithTimes.conditions`. */
export type Times = readonly string[];

/** A condition that did not change its `status` since `before` keeps its time; others get `now` (RFC 3339). */
export const statusWithTimes = (status: Status, now: string, before?: StatusWithTimes): StatusWithTimes =>
  timedBy(status, (about, { type, status: is }) => {
    const same = before?.conditions.find((old) => (old.about ?? '') === about && old.type === type);
    return same?.status === is ? same.lastTransitionTime : now;
  });

/** `status` with times known from before. */
export const statusAt = (status: Status, times: Times): StatusWithTimes => {
  const next = times.values();
  return timedBy(status, () => next.next().value ?? '');
};

const timedBy = (status: Status, timeOf: (about: string, condition: Condition) => string): StatusWithTimes => {
  const timed = new Map<readonly Condition[], readonly TimedCondition[]>();
  const conditions = listsOf(status).flatMap(([about, list]) => {
    const withTimes = list.map((condition): TimedCondition => ({ ...condition, lastTransitionTime: timeOf(about, condition) }));
    timed.set(list, withTimes);
    return withTimes.map((condition): ShownCondition => ({
      ...condition,
      ...(about === '' ? {} : { about }),
      trouble: isTrouble(condition),
    }));
  });
  return { status: shapeOf(status, (list) => timed.get(list) ?? []), conditions };
};

const listsOf = (status: Status): readonly About[] => {
  switch (status.kind) {
    case 'GatewayClass':
    case 'TailscaleTailnet':
    case 'TailscaleEndpoints':
    case 'TailscaleServices':
    case 'TailscaleGateway':
    case 'TailscaleProxyGroup':
      return [['', status.conditions]];
    case 'Gateway':
    case 'ListenerSet':
      return [['', status.conditions], ...status.listeners.map(({ name, conditions }): About => [`listener ${name}`, conditions])];
    case 'BackendTLSPolicy':
    case 'TailscaleRoutePolicy':
      return status.ancestors.map(({ ancestorRef, conditions }): About => [refText(ancestorRef), conditions]);
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      return status.parents.map(({ parentRef, conditions }): About => [refText(parentRef), conditions]);
  }
};

type Ref = {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
};

/** `Gateway/default/edge/https:443`: a parent or ancestor as `about` names it. */
export const refText = ({ kind, namespace, name, sectionName, port }: Ref): string =>
  [kind, ...(namespace === undefined ? [] : [namespace]), name, ...(sectionName === undefined ? [] : [sectionName])].join('/') +
  (port === undefined ? '' : `:${port}`);

const shapeOf = (status: Status, timed: (list: readonly Condition[]) => readonly TimedCondition[]): ClusterStatus => {
  switch (status.kind) {
    case 'GatewayClass':
      return { conditions: timed(status.conditions), supportedFeatures: status.supportedFeatures.map((name) => ({ name })) };
    case 'TailscaleTailnet':
    case 'TailscaleEndpoints':
    case 'TailscaleServices':
    case 'TailscaleGateway':
    case 'TailscaleProxyGroup':
      return { observedGeneration: status.conditions[0]?.observedGeneration, ...status.fields, conditions: timed(status.conditions) };
    case 'Gateway':
      return {
        addresses: status.addresses,
        conditions: timed(status.conditions),
        listeners: status.listeners.map((listener) => ({ ...listener, conditions: timed(listener.conditions) })),
        attachedListenerSets: status.attachedListenerSets,
      };
    case 'ListenerSet':
      return {
        conditions: timed(status.conditions),
        listeners: status.listeners.map((listener) => ({ ...listener, conditions: timed(listener.conditions) })),
      };
    case 'BackendTLSPolicy':
    case 'TailscaleRoutePolicy':
      return { ancestors: status.ancestors.map((ancestor) => ({ ...ancestor, conditions: timed(ancestor.conditions) })) };
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      return { parents: status.parents.map((parent) => ({ ...parent, conditions: timed(parent.conditions) })) };
  }
};

/** Types that report trouble by being True; others do by not being. */
const troubleWhenTrue = new Set(['Conflicted', 'PartiallyInvalid']);
/** Types that only point something out. */
const informational = new Set(['OverlappingTLSConfig', 'InsecureFrontendValidationMode']);

/** Whether a condition says that something is not as the user wants it. */
export const isTrouble = ({ type, status }: Pick<Condition, 'type' | 'status'>): boolean =>
  !informational.has(type) && (status === 'True') === troubleWhenTrue.has(type);
