import { isTrouble, refText, type ShownCondition } from '../../src/model/cluster-status.ts';
import { statusLimits } from '../../src/model/status-limits.ts';
import { ownStatusKinds, type ParentRef, type Status } from '../../src/model/status.ts';

/** Plain data that somebody else wrote: nothing about it is sure. */
export type Fields = Readonly<Record<string, unknown>>;

/** Elements of a list of objects; none where there is no such list. */
export const recordsIn = (list: unknown): readonly Fields[] => (Array.isArray(list) ? list.filter(isFields) : []);

/** The object that `value` is, or an empty one. */
export const recordIn = (value: unknown): Fields => (isFields(value) ? value : {});

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list in a status that several controllers share, each with entries under its own name. It has one owner at a time as a whole. */
export type SharedList = { readonly list: 'parents' | 'ancestors'; readonly ref: 'parentRef' | 'ancestorRef'; readonly most: number };

/** The shared list of a kind's status, of the size its CRD allows; undefined for kinds whose status is one controller's. */
export const sharedListOf = (kind: string): SharedList | undefined => {
  if (kind === 'BackendTLSPolicy' || kind === 'TailscaleRoutePolicy')
    return { list: 'ancestors', ref: 'ancestorRef', most: statusLimits.ancestors };
  if (routeKinds.has(kind)) return { list: 'parents', ref: 'parentRef', most: statusLimits.parents };
  return undefined;
};

const routeKinds: ReadonlySet<string> = new Set(['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute']);

/** Kinds that have a status from us, those that others wait for first. */
export const kindsWithStatus = [
  'GatewayClass',
  'Gateway',
  'ListenerSet',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'BackendTLSPolicy',
  'TailscaleRoutePolicy',
  ...ownStatusKinds,
] as const satisfies readonly Status['kind'][];

/** Our conditions as they stand in a status, wherever they are in it; those of entries of other controllers are not ours. */
export const standingConditions = (kind: string, status: Fields, controllerName: string): readonly ShownCondition[] => {
  const shared = sharedListOf(kind);
  if (shared === undefined) {
    const ofListeners = recordsIn(status['listeners']).flatMap((listener) => shownIn(listener, `listener ${String(listener['name'])}`));
    return [...shownIn(status, undefined), ...ofListeners];
  }
  return recordsIn(status[shared.list])
    .filter((entry) => entry['controllerName'] === controllerName)
    .flatMap((entry) => shownIn(entry, refText(recordIn(entry[shared.ref]) as ParentRef)));
};

const shownIn = (fields: Fields, about: string | undefined): readonly ShownCondition[] =>
  recordsIn(fields['conditions'])
    .map((condition) => condition as ShownCondition)
    .filter(({ lastTransitionTime }) => typeof lastTransitionTime === 'string')
    .map((condition) => ({ ...condition, ...(about === undefined ? {} : { about }), trouble: isTrouble(condition) }));
