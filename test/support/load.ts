export type Load = {
  /** How many came to an end so far. */
  readonly done: () => number;
  /** Waits for what is under way. At no time were more than `width` of them. */
  readonly stop: () => Promise<{ readonly width: number; readonly done: number; readonly failed: number }>;
};

/** Does `one` again and again, `width` at a time, until it is stopped. What gives false or throws has failed. */
export const loadOf = (width: number, one: () => Promise<boolean>): Load => {
  let done = 0;
  let failed = 0;
  let isStopping = false;
  const worker = async (): Promise<void> => {
    while (!isStopping) {
      if (!(await one().catch(() => false))) failed += 1;
      done += 1;
    }
  };
  const workers = Promise.all(Array.from({ length: width }, worker));
  return {
    done: () => done,
    stop: async () => {
      isStopping = true;
      await workers;
      return { width, done, failed };
    },
  };
};
