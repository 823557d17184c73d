import type { Duration } from '../types.ts';

/** Milliseconds as Envoy writes durations: 1500 is '1.5s'. */
export const durationFrom = (milliseconds: number): Duration => `${milliseconds / 1000}s`;
