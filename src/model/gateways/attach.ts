import type { Gateway } from '../../api/generated/gateway-api.ts';
import { changedMap } from '../../lib/changed-map.ts';
import { type Changes, changesBetween, placeOf, sorter } from '../../lib/changes.ts';
import { keyOf, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { memo, type Read } from '../../lib/memo.ts';
import type { RouteKind, RouteNode, Verdict } from '../route-node.ts';
import { type HeldHosts, heldHosts } from './held-hosts.ts';
import { hostsOn } from './hostnames.ts';
import type { JudgedListener } from './judge.ts';
import { byAge } from './precedence.ts';
import { allowsNamespace } from './selector.ts';
import { type AnyRoute, type Candidate, type GatewayTables, parentKeysOf } from './tables.ts';

/** A route on one listener. `hosts` are the names it answers there, never empty, each with the name of the route's own that it comes from. */
export type Attached = { readonly route: AnyRoute; readonly node: RouteNode; readonly hosts: ReadonlyMap<string, string> };

/** What one of a route's parentRefs came to; `refused` says why it attaches to no listener. */
export type RefOutcome = { readonly route: AnyRoute; readonly node: RouteNode; readonly refIndex: number; readonly refused?: Verdict };

export type Attachments = {
  /** Routes of each listener, oldest first, each once. */
  readonly on: ReadonlyMap<JudgedListener, readonly Attached[]>;
  /** What each route's parentRefs to the Gateway came to. */
  readonly outcomes: ReadonlyMap<AnyRoute, readonly RefOutcome[]>;
};

/**
 * Attaches every route that names the Gateway, or one of its ListenerSets, to the listeners that take it. Whether a listener can be served
 * makes no difference (`ListenerStatus.attachedRoutes`).
 */
export const attach = (
  gateway: Gateway,
  setKeys: readonly ObjectKey[],
  listeners: readonly JudgedListener[],
  read: Read<GatewayTables>,
): Attachments => {
  const parents = new Map<ObjectKey, JudgedListener[]>([keyOf(gateway), ...setKeys].map((key) => [key, []]));
  for (const listener of listeners) parents.get(listener.ownerKey)?.push(listener);
  const candidates = candidatesFor(gateway, [...parents.keys()], read);
  const mixed = ['HTTPRoute', 'GRPCRoute'].every((kind) => candidates.some(({ route }) => route.kind === kind));
  const held = new Map<JudgedListener, HeldHosts>(listeners.map((listener) => [listener, heldHosts()]));
  const came = (candidate: Candidate): CameTo => cameTo(candidate, parents, held, mixed, read);
  // What a candidate comes to is then its own and the listeners' matter alone.
  const apart = !mixed && listeners.every(({ spec }) => spec.allowedRoutes.namespaces.from !== 'Selector');
  return apart ? lastOf(listeners)(setKeys)(candidates, listeners, came) : attachedAnew(candidates, listeners, came);
};

type Came = (candidate: Candidate) => CameTo;

const attachedAnew = (candidates: readonly Candidate[], listeners: readonly JudgedListener[], came: Came): Attachments => {
  const on = new Map<JudgedListener, Attached[]>(listeners.map((listener) => [listener, []]));
  const outcomes = new Map<AnyRoute, readonly RefOutcome[]>();
  for (const candidate of candidates) {
    const { by, outcomes: own } = came(candidate);
    for (const { listener, attached } of by) on.get(listener)?.push(attached);
    if (own.length > 0) outcomes.set(candidate.route, own);
  }
  return { on, outcomes };
};

const patchesAtMost = 100;

/** What was attached to these listeners and sets last, from which the next is made: of thousands of candidates it looks at those that changed. */
const lastOf = memo<readonly JudgedListener[], (setKeys: readonly ObjectKey[]) => AttachNext>(() => {
  const known = new Map<string, AttachNext>();
  return (setKeys) => {
    const next = known.get(setKeys.join()) ?? attacher();
    known.set(setKeys.join(), next);
    return next;
  };
});

type AttachNext = (candidates: readonly Candidate[], listeners: readonly JudgedListener[], came: Came) => Attachments;

const attacher = (): AttachNext => {
  const seen = new WeakMap<Candidate, CameTo>();
  let last: { readonly candidates: readonly Candidate[]; readonly attachments: Attachments } | undefined;
  return (candidates, listeners, came) => {
    const cameOnce = (candidate: Candidate): CameTo => {
      const known = seen.get(candidate) ?? came(candidate);
      seen.set(candidate, known);
      return known;
    };
    const changes = last && changesBetween(last.candidates, candidates);
    const isPatch = changes !== undefined && changes.removed.length + changes.added.length <= patchesAtMost;
    const attachments =
      (last !== undefined && isPatch ? patched(last.attachments, changes, cameOnce) : undefined) ??
      attachedAnew(candidates, listeners, cameOnce);
    last = { candidates, attachments };
    return attachments;
  };
};

/** Undefined where routes are of the same age, whose order only `attachedAnew` knows. */
const patched = ({ on, outcomes }: Attachments, { removed, added }: Changes<Candidate>, came: Came): Attachments | undefined => {
  const [left, joined] = [removed.flatMap((candidate) => came(candidate).by), added.flatMap((candidate) => came(candidate).by)];
  const next = new Map<JudgedListener, readonly Attached[]>();
  for (const [listener, attached] of on) {
    const now = withPlaces(attached, of(listener, left), of(listener, joined));
    if (now === undefined) return undefined;
    next.set(listener, now);
  }
  return {
    on: next,
    outcomes: changedMap(outcomes, [
      ...removed.map(({ route }) => [route, undefined] as const),
      ...added.map((candidate) => [candidate.route, orNone(came(candidate).outcomes)] as const),
    ]),
  };
};

const orNone = <V>(list: readonly V[]): readonly V[] | undefined => (list.length === 0 ? undefined : list);

const of = (listener: JudgedListener, places: readonly Place[]): readonly Attached[] =>
  places.filter((place) => place.listener === listener).map(({ attached }) => attached);

/** Oldest first, as candidates are. */
const withPlaces = (
  attached: readonly Attached[],
  left: readonly Attached[],
  joined: readonly Attached[],
): readonly Attached[] | undefined => {
  if (left.length + joined.length === 0) return attached;
  let next = attached;
  for (const one of left) next = next.toSpliced(next.indexOf(one), 1);
  for (const one of joined) {
    const { at, taken } = placeOf(one, next, oldestFirst);
    if (taken) return undefined;
    next = next.toSpliced(at, 0, one);
  }
  return next;
};

const oldestFirst = (one: Pick<Candidate, 'route'>, other: Pick<Candidate, 'route'>): number =>
  byAge(one.route.metadata, other.route.metadata);

/** What all parentRefs of one candidate came to; each listener once. */
type CameTo = { readonly by: readonly Place[]; readonly outcomes: readonly RefOutcome[] };
type Place = { readonly listener: JudgedListener; readonly attached: Attached };

const cameTo = (
  candidate: Candidate,
  parents: ReadonlyMap<ObjectKey, readonly JudgedListener[]>,
  held: ReadonlyMap<JudgedListener, HeldHosts>,
  mixed: boolean,
  read: Read<GatewayTables>,
): CameTo => {
  const { route, node } = candidate;
  const places = new Map<JudgedListener, Place>();
  const outcomes: RefOutcome[] = [];
  for (const [refIndex, ref] of (route.spec.parentRefs ?? []).entries()) {
    const parent = parentKeysOf(route)[refIndex];
    const ofParent = parent && parents.get(parent);
    if (ofParent === undefined) continue;
    const { by, refused } = takenBy(candidate, ref, ofParent, held, read);
    for (const place of by) {
      if (places.has(place.listener)) continue;
      places.set(place.listener, place);
      if (mixed) held.get(place.listener)?.hold(place.attached);
    }
    outcomes.push({ route, node, refIndex, ...(refused === undefined ? {} : { refused }) });
  }
  return { by: [...places.values()], outcomes };
};

const candidatesFor = (gateway: Gateway, parents: readonly ObjectKey[], read: Read<GatewayTables>): readonly Candidate[] => {
  const [first, ...others] = parents.map((parent) => read('candidatesOf', parent) ?? []);
  return oldestFirstOn(gateway)(others.length === 0 ? (first ?? []) : [...new Set([first ?? [], ...others].flat())]);
};

/** Of one Gateway, whose candidates mostly stay. */
const oldestFirstOn = memo<Gateway, (candidates: readonly Candidate[]) => readonly Candidate[]>(() => sorter<Candidate>(oldestFirst));

const hostsKnown = memo<Candidate, Map<string, Attached>>(() => new Map());

/** A candidate on a listener of this host; the same object for as long as the candidate is the same. */
const attachedOn = (host: string, candidate: Candidate): Attached => {
  const known = hostsKnown(candidate);
  const attached = known.get(host) ?? { ...candidate, hosts: hostsOn(host, candidate.node.hostnames) };
  known.set(host, attached);
  return attached;
};

type ParentRef = NonNullable<AnyRoute['spec']['parentRefs']>[number];
type Taken = { readonly by: readonly Place[]; readonly refused?: Verdict };

/** Asks the listeners in the order of the specification's reasons: there at all, open to this kind and namespace, by hostname, and not held by another route. */
const takenBy = (
  candidate: Candidate,
  ref: ParentRef,
  listeners: readonly JudgedListener[],
  held: ReadonlyMap<JudgedListener, HeldHosts>,
  read: Read<GatewayTables>,
): Taken => {
  const { route, node } = candidate;
  const refuse = (reason: string, message: string): Taken => ({ by: [], refused: { reason, message } });
  const named = listeners.filter(
    ({ spec }) => (ref.sectionName === undefined || ref.sectionName === spec.name) && (ref.port === undefined || ref.port === spec.port),
  );
  if (named.length === 0) return refuse('NoMatchingParent', `${ref.kind} ${ref.name} has no listener ${askedIn(ref)}`);
  const allowed = named.filter((listener) => allows(listener, node.kind, route, read));
  if (allowed.length === 0) {
    const names = named.map(({ spec }) => spec.name).join(', ');
    return refuse(
      'NotAllowedByListeners',
      `no ${node.kind} of namespace "${route.metadata.namespace ?? ''}" is allowed by listener ${names}`,
    );
  }
  if (node.rejected !== undefined) return { by: [], refused: node.rejected };
  const matching = allowed
    .map((listener) => ({ listener, attached: attachedOn(listener.host, candidate) }))
    .filter(({ attached }) => attached.hosts.size > 0);
  if (matching.length === 0) {
    const hosts = allowed.map(({ spec, host }) => `${spec.name} (${host})`).join(', ');
    return refuse('NoMatchingListenerHostname', `no hostname of the route (${node.hostnames.join(', ')}) is one of listener ${hosts}`);
  }
  const by = matching.filter(({ listener, attached }) => held.get(listener)?.holderOf(attached) === undefined);
  const [first] = matching;
  const holder = first && held.get(first.listener)?.holderOf(first.attached);
  return by.length > 0 || holder === undefined ? { by } : { by, refused: heldBy(node.kind, holder) };
};

const askedIn = ({ sectionName, port }: ParentRef): string =>
  [...(sectionName === undefined ? [] : [`named ${sectionName}`]), ...(port === undefined ? [] : [`on port ${port}`])].join(' ');

const allows = (listener: JudgedListener, kind: RouteKind, route: AnyRoute, read: Read<GatewayTables>): boolean =>
  listener.kinds.includes(kind) &&
  allowsNamespace(read, listener.spec.allowedRoutes.namespaces, listener.owner.metadata.namespace ?? '', route.metadata.namespace ?? '');

/** Why an older route keeps this one from a listener (`GRPCRouteSpec.hostnames`). */
const heldBy = (kind: RouteKind, { node, route }: Attached): Verdict => ({
  reason: 'NotAllowedByListeners',
  message: `a hostname of this ${kind} is on this listener already that of the older ${node.kind} "${localKeyOf(route)}"`,
});
