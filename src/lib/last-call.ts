/**
 * `derive`, which gives what it gave last time while its arguments are the same objects: for one that is called after every change, and mostly not
 * concerned.
 */
export const lastCall = <A extends readonly unknown[], R>(derive: (...given: A) => R): ((...given: A) => R) => {
  let last: { readonly given: A; readonly result: R } | undefined;
  return (...given) => {
    const before = last;
    if (before !== undefined && given.every((argument, index) => argument === before.given[index])) return before.result;
    last = { given, result: derive(...given) };
    return last.result;
  };
};

/** `next`, or `previous` where both have the same values by identity under the same keys in the same order. */
export const sameMap = <K, V>(previous: ReadonlyMap<K, V>, next: ReadonlyMap<K, V>): ReadonlyMap<K, V> => {
  if (previous.size !== next.size) return next;
  const entries = previous.entries();
  for (const [key, value] of next) {
    const { value: before } = entries.next();
    if (before === undefined || before[0] !== key || before[1] !== value) return next;
  }
  return previous;
};
