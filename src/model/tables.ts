import type { EndpointSlice } from '../api/core.ts';
import type { BackendTLSPolicy, ReferenceGrant } from '../api/generated/gateway-api.ts';
import type { Objects } from '../api/objects.ts';
import { noObservations, type Observations } from '../api/observations.ts';
import { localKey } from '../lib/key.ts';
import { indexBy } from '../lib/memo.ts';
import { targetOf } from './routes/policy-targets.ts';
import { type TailnetTables, tailnetTablesBuilder } from './tailnets/tables.ts';

/**
 * What the model looks things up in: every kind's objects by `namespace/name` (`/name` for cluster-scoped kinds), and the indexes that
 * references need. Values keep their identity from one rebuild to the next unless what they hold changed.
 */
export type ModelTables = Objects &
  Omit<Observations, 'hour'> &
  TailnetTables & {
    /** ReferenceGrants by their own namespace: the namespace they let others refer to. */
    readonly grantsTo: ReadonlyMap<string, readonly ReferenceGrant[]>;
    /** BackendTLSPolicies by each thing they target, as its ObjectKey. */
    readonly backendTlsPolicies: ReadonlyMap<string, readonly BackendTLSPolicy[]>;
    /** EndpointSlices by the Service they belong to, as `namespace/name`. */
    readonly slicesOf: ReadonlyMap<string, readonly EndpointSlice[]>;
  };

const serviceNameLabel = 'kubernetes.io/service-name';

/** A function from all objects to the model's tables, which remembers the last tables so that unchanged groups keep their identity. */
export const tablesBuilder = (): ((objects: Objects, observations?: Observations) => ModelTables) => {
  const grantsTo = indexBy<ReferenceGrant>((grant) => [grant.metadata.namespace ?? '']);
  const backendTlsPolicies = indexBy<BackendTLSPolicy>(({ metadata, spec }) => [
    ...new Set(spec.targetRefs.flatMap((ref) => targetOf(ref, metadata.namespace) ?? [])),
  ]);
  const slicesOf = indexBy<EndpointSlice>((slice) => {
    const service = slice.metadata.labels?.[serviceNameLabel];
    return service === undefined ? [] : [localKey(slice.metadata.namespace ?? '', service)];
  });
  const tailnetTables = tailnetTablesBuilder();
  return (objects, observations = noObservations) => {
    const { hour: _, ...observed } = observations;
    return {
      ...objects,
      ...observed,
      ...tailnetTables(objects, observations),
      grantsTo: grantsTo(objects.ReferenceGrant),
      backendTlsPolicies: backendTlsPolicies(objects.BackendTLSPolicy),
      slicesOf: slicesOf(objects.EndpointSlice),
    };
  };
};

/** Tables that say where things are and whether they run. Routes and Gateways do not depend on them. */
const placing: ReadonlySet<string> = new Set<keyof ModelTables>([
  'EndpointSlice',
  'slicesOf',
  'tailnets',
  'proxies',
  'sharedServices',
  'devicesAt',
  'devicesNamed',
  'devicesSelected',
  'vipServicesNamed',
  'vipServicesAt',
  'proxyDevices',
]);

/** Whether two generations of tables differ, if at all, in where things are: endpoints then may change, and no route or Gateway does. */
export const differOnlyInPlaces = (one: ModelTables, other: ModelTables): boolean => {
  const names = Object.keys(other) as (keyof ModelTables)[];
  return names.every((name) => placing.has(name) || one[name] === other[name]);
};
