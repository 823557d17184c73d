const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds of a Gateway API duration (GEP-2257: one to four numbers, each with its unit, as in `1h30m`), which admission has checked. */
export const millisecondsOf = (duration: string): number => {
  let total = 0;
  for (const [, digits = '', unit = ''] of duration.matchAll(/(\d+)(ms|h|m|s)/g)) total += Number(digits) * (unitMs[unit] ?? 0);
  return total;
};
