import { equal } from '../../src/lib/equal.ts';
import { byCodeUnit, partsOf } from '../../src/lib/key.ts';
import { type ClusterStatus, type ShownCondition, statusWithTimes } from '../../src/model/cluster-status.ts';
import { statusLimits } from '../../src/model/status-limits.ts';
import { type Condition, ownStatusKinds, type Status } from '../../src/model/status.ts';
import type { ObservedObject } from '../../src/sources/kubernetes/observed.ts';
import { type Fields, recordIn, recordsIn, sharedListOf, type SharedList, standingConditions } from './standing.ts';

/** What has to be written so that one object's status says what we want. */
export type StatusWrite = {
  /** Our part, complete: what server-side apply says. Where a list has one owner as a whole, others' entries are in it. */
  readonly ours: ClusterStatus;
  /** The same fields as they will stand, with conditions that are not ours. */
  readonly whole: ClusterStatus;
  /** Our conditions as they stood, and as they will. */
  readonly before: readonly ShownCondition[];
  readonly after: readonly ShownCondition[];
};

/**
 * What to write for one object; undefined when what stands says it already. Without `wanted` our entries leave the lists that we share with
 * other controllers, and a status that is one controller's alone is left to whoever has it now. A condition keeps its time while its status
 * stays the same. What CRDs have no room for is left out or shortened, ours before anybody else's.
 */
export const statusWriteFor = (
  wanted: Status | undefined,
  observed: ObservedObject,
  controllerName: string,
  now: Date,
): StatusWrite | undefined => {
  const { kind } = partsOf(observed.key);
  const standing = observed.status ?? {};
  const shared = sharedListOf(kind);
  if (wanted === undefined && shared === undefined) return undefined;
  const before = standingConditions(kind, standing, controllerName);
  const timed = wanted && statusWithTimes(withinLimits(wanted), timeText(now), { status: standing, conditions: before });
  const status: Fields = timed?.status ?? {};
  const { ours, whole } =
    shared === undefined
      ? aloneParts(saying(status, standing), standing, typesOf(kind))
      : sharedParts(shared, recordsIn(status[shared.list]), standing, controllerName);
  const fields = isOwn(kind) ? { ...standing, ...whole } : whole;
  const stands = Object.keys(fields).every((field) => saysTheSame(field, whole[field], standing[field]));
  return stands ? undefined : { ours, whole, before, after: timed?.conditions ?? [] };
};

/** Whether `status` is about a later generation than the object has: it is about an object of that name that is gone. */
export const isAboutAnother = (status: Status, { generation }: ObservedObject): boolean =>
  conditionsIn(status).some(({ observedGeneration }) => observedGeneration > generation);

const conditionsIn = (status: Status): readonly Condition[] => {
  if ('conditions' in status) return status.conditions;
  return ('parents' in status ? status.parents : status.ancestors).flatMap(({ conditions }) => conditions);
};

/** Without fields that say nothing where nothing stands: an older CRD may not know them, and then refuses the whole. */
const saying = (status: Fields, standing: Fields): Fields =>
  Object.fromEntries(Object.entries(status).filter(([name, value]) => !saysNothing(value) || name in standing));

/** RFC 3339 in seconds, as `metav1.Time` is written. */
const timeText = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

type Parts = Pick<StatusWrite, 'ours' | 'whole'>;

/** Others' entries as they are and where they are, ours in the place where they were, new ones last while there is room. */
const sharedParts = ({ list, ref, most }: SharedList, wanted: readonly Fields[], standing: Fields, controllerName: string): Parts => {
  const missing = new Map(wanted.map((entry) => [refKey(entry[ref]), entry]));
  const kept = recordsIn(standing[list]).flatMap((entry) => {
    if (entry['controllerName'] !== controllerName) return entry;
    const key = refKey(entry[ref]);
    const mine = missing.get(key);
    missing.delete(key);
    return mine ?? [];
  });
  const status = { [list]: [...kept, ...missing.values()].slice(0, most) };
  return { ours: status, whole: status };
};

const refKey = (ref: unknown): string => {
  const { group, kind, namespace, name, sectionName, port } = recordIn(ref);
  return JSON.stringify([group, kind, namespace, name, sectionName, port]);
};

const aloneParts = (status: Fields, standing: Fields, types: readonly string[]): Parts => {
  const [ours, whole] = mergedConditions(status, standing, types);
  if ('supportedFeatures' in status) {
    const features = recordsIn(status['supportedFeatures']).toSorted((a, b) => byCodeUnit(String(a['name']), String(b['name'])));
    const supportedFeatures = features.slice(0, statusLimits.supportedFeatures);
    return { ours: { ...ours, supportedFeatures }, whole: { ...whole, supportedFeatures } };
  }
  if (!('listeners' in status)) return { ours, whole };
  const standingListeners = new Map(recordsIn(standing['listeners']).map((listener) => [listener['name'], listener]));
  const listeners = recordsIn(status['listeners'])
    .slice(0, statusLimits.listeners)
    .map((listener) => mergedConditions(listener, standingListeners.get(listener['name']) ?? {}, types));
  return {
    ours: { ...ours, listeners: listeners.map(([mine]) => mine) },
    whole: { ...whole, listeners: listeners.map(([, merged]) => merged) },
  };
};

/** `fields` with our conditions alone, and with those of others too. */
const mergedConditions = (fields: Fields, standing: Fields, ourTypes: readonly string[]): readonly [ours: Fields, merged: Fields] => {
  const wanted = recordsIn(fields['conditions']);
  const types = new Set([...wanted.map(({ type }) => type), ...ourTypes]);
  const others = recordsIn(standing['conditions']).filter(({ type }) => !types.has(type));
  const conditions = wanted.slice(0, Math.max(0, statusLimits.conditions - others.length));
  return [
    { ...fields, conditions },
    { ...fields, conditions: [...conditions, ...others] },
  ];
};

const isOwn = (kind: string): boolean => ownStatusKinds.some((own) => own === kind);

/** Types that are ours also when we have nothing to say by them: then they go. */
const typesOf = (kind: string): readonly string[] => (isOwn(kind) ? ownTypes : gatewayTypes);

const gatewayTypes = [
  'Accepted',
  'Programmed',
  'ResolvedRefs',
  'Conflicted',
  'PartiallyInvalid',
  'OverlappingTLSConfig',
  'InsecureFrontendValidationMode',
  'SupportedVersion',
] as const;

/** On our own kinds. */
const ownTypes = [
  'Ready',
  'Authenticated',
  'Synced',
  'StatefulSetsReady',
  'VIPServiceReady',
  'EndpointsSelected',
  'ServicesReady',
  'CertificatesReady',
  'Accepted',
  'Conflicted',
] as const;

const withinLimits = (status: Status): Status => {
  switch (status.kind) {
    case 'GatewayClass':
      return { ...status, conditions: shortened(status.conditions) };
    case 'TailscaleTailnet':
    case 'TailscaleEndpoints':
    case 'TailscaleServices':
    case 'TailscaleGateway':
    case 'TailscaleProxyGroup':
      return { ...status, conditions: shortened(status.conditions) };
    case 'Gateway':
      return {
        ...status,
        conditions: shortened(status.conditions),
        addresses: status.addresses.slice(0, statusLimits.addresses),
        listeners: status.listeners.map(withShortened),
      };
    case 'ListenerSet':
      return { ...status, conditions: shortened(status.conditions), listeners: status.listeners.map(withShortened) };
    case 'BackendTLSPolicy':
    case 'TailscaleRoutePolicy':
      return { ...status, ancestors: status.ancestors.map(withShortened) };
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      return { ...status, parents: status.parents.map(withShortened) };
  }
};

const withShortened = <T extends { readonly conditions: readonly Condition[] }>(owner: T): T => ({
  ...owner,
  conditions: shortened(owner.conditions),
});

const shortened = (conditions: readonly Condition[]): readonly Condition[] =>
  conditions
    .slice(0, statusLimits.conditions)
    .map((condition) =>
      condition.message.length <= statusLimits.message
        ? condition
        : { ...condition, message: `${condition.message.slice(0, statusLimits.message - 1).toWellFormed()}…` },
    );

/** What was written comes back in the order it was written in, as a rule. */
const saysTheSame = (field: string, one: unknown, other: unknown): boolean =>
  equal(one, other) || equal(canonical({ [field]: one }), canonical({ [field]: other }));

/** Lists whose order says nothing, by what names their elements. */
const listKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  listeners: 'name',
  supportedFeatures: 'name',
  devices: 'statefulSetPod',
  endpointStatus: 'name',
  selectedEndpoints: 'name',
  statefulSetRefs: 'name',
  statefulSets: 'name',
  tailnetStatus: 'name',
};

/** Lists of texts whose order says nothing. */
const setLists: ReadonlySet<string> = new Set(['machines', 'tags']);

/** The same for statuses that say the same: keyed lists sorted, and nothing in it that is absent, empty or zero. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => !saysNothing(field))
      .map(([name, field]): [string, unknown] => [name, canonical(inOrder(name, field))]),
  );
};

const saysNothing = (value: unknown): boolean => value === undefined || value === 0 || (Array.isArray(value) && value.length === 0);

const inOrder = (name: string, value: unknown): unknown => {
  if (!Array.isArray(value)) return value;
  if (setLists.has(name)) return value.map(String).toSorted(byCodeUnit);
  const key = listKeys[name];
  return key === undefined ? value : recordsIn(value).toSorted((one, other) => byCodeUnit(String(one[key]), String(other[key])));
};
