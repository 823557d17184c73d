import type { Gateway, GatewayClass } from '../../api/generated/gateway-api.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import { memoByReads, type Read } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';
import { clusterFeatures, supportedFeatures } from './features.ts';
import { classParametersOf } from './parameters.ts';

type Classes = Pick<ModelTables, 'GatewayClass' | 'GatewayParameters'>;

/** What the class of a Gateway makes of it: only those that are `ours` are served, and `foreign` ones are not even answered for. */
export const callingOf = ({ spec }: Gateway, tables: Classes, controllerName: string): 'ours' | 'refused' | 'foreign' | 'missing' => {
  const gatewayClass = tables.GatewayClass.get(`/${spec.gatewayClassName}`);
  if (gatewayClass === undefined) return 'missing';
  if (gatewayClass.spec.controllerName !== controllerName) return 'foreign';
  return classParametersOf(gatewayClass, readIn(tables)).ok ? 'ours' : 'refused';
};

/** Statuses of every class of ours. A class on a cluster also gives Gateways Envoys of their own. */
export const classStatuses = (
  controllerName: string,
  onCluster: boolean,
): ((tables: Classes) => readonly (readonly [ObjectKey, Status])[]) => {
  const features = onCluster ? clusterFeatures : supportedFeatures;
  const statusOf = memoByReads<Classes, GatewayClass, Status>((gatewayClass, read) => classStatusOf(gatewayClass, features, read));
  return (tables) =>
    [...tables.GatewayClass.values()]
      .filter(({ spec }) => spec.controllerName === controllerName)
      .map((ours) => [keyOf(ours), statusOf(ours, tables)] as const);
};

const classStatusOf = (gatewayClass: GatewayClass, features: readonly string[], read: Read<Classes>): Status => {
  const conditions = conditionsOf(gatewayClass.metadata.generation);
  const parameters = classParametersOf(gatewayClass, read);
  return {
    kind: 'GatewayClass',
    conditions: [
      conditions.unless(parameters.ok ? undefined : parameters.problem, 'Accepted', 'The class is served by tailplane'),
      conditions.yes('SupportedVersion', 'SupportedVersion', 'The Gateway API CRDs are of a supported version'),
    ],
    supportedFeatures: features,
  };
};

const readIn =
  (tables: Classes): Read<Classes> =>
  (table, key) =>
    tables[table].get(key) as never;
