/** The value below which `share` of all lie; NaN of none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

/** The same quantiles everywhere, in the values' unit. */
export type Quantiles = { readonly count: number; readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };

export const quantilesOf = (values: readonly number[]): Quantiles => ({
  count: values.length,
  p50: quantile(values, 0.5),
  p90: quantile(values, 0.9),
  p99: quantile(values, 0.99),
  max: quantile(values, 1),
});
