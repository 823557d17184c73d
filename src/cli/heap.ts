import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 give back, every five minutes, what it keeps without need. Pages that were emptied go to a pool, and pages that are half empty stay, as long as
 * there is always something to do: a program that replaces small parts of much ends up with a third more than it uses. Only a collection that is to
 * reduce memory releases the pool and moves together what is left, and V8 makes those while it favours memory: so it is told to until the next one is
 * done. On the command line the same flag would also leave the young generation 1 MB (docs/decisions/0009-heap.md).
 */
export const releaseMemory = (everyMs = 300_000): void => {
  let awaited = false;
  setInterval(() => {
    awaited = true;
    setFlagsFromString('--optimize-for-size');
  }, everyMs).unref();
  new PerformanceObserver((list) => {
    if (!awaited || !list.getEntries().some(isOfWholeHeap)) return;
    awaited = false;
    setFlagsFromString('--no-optimize-for-size');
  }).observe({ entryTypes: ['gc'] });
};

const isOfWholeHeap = (entry: object): boolean =>
  (entry as { readonly detail?: { readonly kind?: number } }).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
