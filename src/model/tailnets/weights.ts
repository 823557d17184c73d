/** `weight` shared evenly by `count` endpoints; both at least 1. */
export type WeightShare = { readonly weight: number; readonly count: number };

/** Envoy sums the weights of a locality in 32 bits. */
const largestSum = 0x7fff_ffff;
const finestParts = 10_000;

/**
 * The weight of each endpoint of each share, so that endpoints of a share together weigh what it weighs against the others: whole numbers from 1,
 * without a common divisor, exact unless the counts have no reasonable common multiple or the sum is too large.
 */
export const endpointWeights = (shares: readonly WeightShare[]): readonly number[] => {
  const parts = shares.reduce((sum, { count }) => (sum > finestParts ? sum : leastCommonMultiple(sum, count)), 1);
  const scale = Math.min(parts, finestParts);
  const exact = shares.map(({ weight, count }) => (weight * scale) / count);
  const divisor = exact.every(Number.isInteger) ? exact.reduce(greatestCommonDivisor, 0) : 1;
  const whole = exact.map((weight) => weight / divisor);
  const sum = shares.reduce((total, { count }, index) => total + count * (whole[index] ?? 0), 0);
  const shrink = sum > largestSum ? largestSum / sum : 1;
  return whole.map((weight) => Math.max(1, Math.floor(weight * shrink + 0.5)));
};

const greatestCommonDivisor = (one: number, other: number): number => (other === 0 ? one : greatestCommonDivisor(other, one % other));

const leastCommonMultiple = (one: number, other: number): number => (one / greatestCommonDivisor(one, other)) * other;
