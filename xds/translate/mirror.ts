import type { Mirror } from '../../src/model/graph.ts';
import type { FractionalPercent, RequestMirrorPolicy } from '../types.ts';

/** A copy of the request to another cluster. Its Host stays as it is (Envoy would otherwise append `-shadow`). */
export const mirrorPolicyFrom = ({ backend, numerator, denominator }: Mirror): RequestMirrorPolicy => ({
  cluster: backend.id,
  runtimeFraction: { defaultValue: fractionFrom(numerator, denominator) },
  disableShadowHostSuffixAppend: true,
});

/** A fraction in parts per hundred where that is exact, else per million. */
export const fractionFrom = (numerator: number, denominator: number): FractionalPercent => {
  const percent = (100 * numerator) / denominator;
  if (Number.isInteger(percent)) return { numerator: percent, denominator: 'HUNDRED' };
  return { numerator: Math.round((1_000_000 * numerator) / denominator), denominator: 'MILLION' };
};
