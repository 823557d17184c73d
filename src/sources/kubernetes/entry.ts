import type { AnyObject, Kind } from '../../api/kinds.ts';
import { equal } from '../../lib/equal.ts';
import { objectKey } from '../../lib/key.ts';
import { present } from '../../lib/present.ts';
import type { KubeObject } from '../../kubernetes/kube-object.ts';
import { admitStored } from '../admission/admit.ts';
import { formatError } from '../admission/error.ts';
import type { SourceProblem } from '../source.ts';
import type { ObservedObject } from './observed.ts';

/** One object of the API server's. `object` is what the model reads of it: of its last version that was valid, undefined before the first. */
export type Entry = ObservedObject & { readonly object: AnyObject | undefined; readonly problems: readonly SourceProblem[] };

/**
 * What we keep of an object that the API server holds, given what we kept of it before: nothing else of it stays in memory. A version that
 * means the same to the model, as after a write of status, has the same `object`; one that is refused has the last good one, and problems.
 */
export const entryFrom = (kind: Kind, raw: KubeObject, before: Entry | undefined): Entry => {
  const { namespace = '', name, uid = '', resourceVersion = '', generation = 1 } = raw.metadata;
  const { apiVersion } = raw;
  if (before !== undefined && before.uid === uid && before.resourceVersion === resourceVersion && before.apiVersion === apiVersion)
    return before;
  const key = before?.key ?? objectKey(kind, namespace, name);
  const observed = { key, apiVersion, uid, resourceVersion, generation, status: statusOf(kind, raw) };
  if (before !== undefined && countsAsUnchanged(before, raw)) return { ...observed, object: before.object, problems: none };
  // An object that was deleted and made again is another one: what it said before says nothing about it.
  const former = before?.uid === uid ? before.object : undefined;
  const admitted = admitStored(kind === 'EndpointSlice' ? leanSlice(raw) : raw);
  if (admitted.ok) return { ...observed, object: equal(former, admitted.value) ? former : admitted.value, problems: none };
  const problems = admitted.problem.errors.map((error): SourceProblem => ({ severity: 'error', reason: formatError(error), object: key }));
  return { ...observed, object: former, problems };
};

const none: readonly SourceProblem[] = [];

/** By what the API server says, at no cost: kinds that count generations do so for every change but those of metadata and status. */
const countsAsUnchanged = ({ object, problems, uid, apiVersion }: Entry, raw: KubeObject): boolean => {
  const { generation, labels, annotations, deletionTimestamp } = raw.metadata;
  return (
    object !== undefined &&
    problems.length === 0 &&
    generation !== undefined &&
    object.metadata.generation === generation &&
    uid === raw.metadata.uid &&
    apiVersion === raw.apiVersion &&
    object.metadata.deletionTimestamp === deletionTimestamp &&
    equal(object.metadata.labels, labels) &&
    equal(object.metadata.annotations, annotations)
  );
};

/**
 * A slice without what nobody here reads of it. There are many more endpoints than anything else, and which pod and node one is on, and when
 * it changed last, is half of what is said of it.
 */
const leanSlice = (raw: KubeObject): KubeObject => {
  const { annotations: _, ...metadata } = raw.metadata;
  const { endpoints } = raw;
  return { ...raw, metadata, ...(Array.isArray(endpoints) && { endpoints: endpoints.map(leanEndpoint) }) };
};

const leanEndpoint = (endpoint: unknown): unknown => {
  if (typeof endpoint !== 'object' || endpoint === null) return endpoint;
  const { addresses, conditions, zone } = endpoint as Readonly<Record<string, unknown>>;
  return present({ addresses, conditions, zone });
};

/** Nodes tell their images and conditions every few minutes, at length, and nobody here writes them. */
const statusOf = (kind: Kind, { status }: KubeObject): ObservedObject['status'] =>
  kind === 'Node' || typeof status !== 'object' || status === null ? undefined : (status as ObservedObject['status']);
