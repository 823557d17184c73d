/** Time and chance, so that tests own them. */
export type Clock = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that is never set. */
  readonly elapsed: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Runs it later, unless what is returned is called before. */
  readonly after: (ms: number, run: () => void) => () => void;
};

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  random: Math.random,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
