import type { HTTPRequestMirrorFilter } from '../../api/generated/gateway-api.ts';
import type { Mirror } from '../graph.ts';
import type { BackendUse } from './app-protocol.ts';
import { backendFrom } from './backend-ref.ts';
import type { RuleScope } from './scope.ts';

/** Where copies go; undefined when nowhere: none are asked for, or the reference does not resolve, which is a finding and stops no request. */
export const mirrorFrom = (filter: HTTPRequestMirrorFilter, use: BackendUse, field: string, scope: RuleScope): Mirror | undefined => {
  const backend = backendFrom(filter.backendRef, { use, policies: true }, `${field}.backendRef`, scope);
  const { numerator, denominator } = filter.fraction ?? { numerator: filter.percent ?? 100, denominator: 100 };
  return backend === undefined || numerator === 0 ? undefined : { backend, numerator, denominator };
};
