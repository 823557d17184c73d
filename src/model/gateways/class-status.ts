import type { GatewayClass } from '../../api/generated/gateway-api.ts';
import { conditionsOf } from '../conditions.ts';
import type { Status } from '../status.ts';
import { supportedFeatures } from './features.ts';

export const classStatusOf = (gatewayClass: GatewayClass): Status => {
  const conditions = conditionsOf(gatewayClass.metadata.generation);
  const parameters = gatewayClass.spec.parametersRef;
  return {
    kind: 'GatewayClass',
    conditions: [
      parameters === undefined
        ? conditions.yes('Accepted', 'Accepted', 'The class is served by tailplane')
        : conditions.no(
            'Accepted',
            'InvalidParameters',
            `spec.parametersRef: kind ${parameters.kind} of group "${parameters.group}" is not supported`,
          ),
      conditions.yes('SupportedVersion', 'SupportedVersion', 'The Gateway API CRDs are of a supported version'),
    ],
    supportedFeatures,
  };
};
