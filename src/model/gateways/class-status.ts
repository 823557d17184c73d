import type { Gateway, GatewayClass } from '../../api/generated/gateway-api.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';
import { supportedFeatures } from './features.ts';

type Classes = Pick<ModelTables, 'GatewayClass'>;

/** What the class of a Gateway makes of it: only those that are `ours` are served, and `foreign` ones are not even answered for. */
export const callingOf = (
  { spec }: Gateway,
  { GatewayClass: classes }: Classes,
  controllerName: string,
): 'ours' | 'refused' | 'foreign' | 'missing' => {
  const gatewayClass = classes.get(`/${spec.gatewayClassName}`);
  if (gatewayClass === undefined) return 'missing';
  if (gatewayClass.spec.controllerName !== controllerName) return 'foreign';
  return parametersProblem(gatewayClass) === undefined ? 'ours' : 'refused';
};

/** Status of every class of ours. */
export const classStatuses = ({ GatewayClass: classes }: Classes, controllerName: string): readonly (readonly [ObjectKey, Status])[] =>
  [...classes.values()]
    .filter(({ spec }) => spec.controllerName === controllerName)
    .map((ours) => [keyOf(ours), classStatusOf(ours)] as const);

const classStatusOf = memo((gatewayClass: GatewayClass): Status => {
  const conditions = conditionsOf(gatewayClass.metadata.generation);
  const problem = parametersProblem(gatewayClass);
  return {
    kind: 'GatewayClass',
    conditions: [
      problem === undefined
        ? conditions.yes('Accepted', 'Accepted', 'The class is served by tailplane')
        : conditions.no('Accepted', 'InvalidParameters', problem),
      conditions.yes('SupportedVersion', 'SupportedVersion', 'The Gateway API CRDs are of a supported version'),
    ],
    supportedFeatures,
  };
});

const parametersProblem = ({ spec: { parametersRef: ref } }: GatewayClass): string | undefined =>
  ref && `spec.parametersRef: kind ${ref.kind} of group "${ref.group}" is not supported`;
