import type { Failure } from './failure.ts';
import type { ListWatchEvent } from './list-watch.ts';

/**
 * How well something is read: `synced` since its first whole list, `lastRead` in milliseconds since the epoch (0 before that list), `failure`
 * why what was read last may be stale.
 */
export type ReadingHealth = {
  readonly synced: boolean;
  readonly lastRead: number;
  /** A watch broke, and the list that makes good for it is still to come. */
  readonly catchingUp: boolean;
  readonly failure?: Failure & { readonly at: 'list' | 'watch' };
};

export const unread: ReadingHealth = { synced: false, lastRead: 0, catchingUp: false };

/** Health after one more event. A list that is read does not disprove that watches fail: that takes the word of a watch. */
export const healthAfter = (health: ReadingHealth, event: ListWatchEvent<unknown>, now: number): ReadingHealth => {
  if (event.type === 'broke') return { ...health, catchingUp: true };
  if (event.type === 'failed') {
    // Nobody gets permissions back in a moment: others need not wait for it.
    const catchingUp = health.catchingUp && event.failure.cause !== 'forbidden';
    return { ...health, catchingUp, failure: { ...event.failure, at: event.at } };
  }
  const failsStill = event.type === 'listed' && health.failure?.at === 'watch';
  return { synced: true, lastRead: now, catchingUp: false, ...(failsStill && { failure: health.failure }) };
};

/** Whether two healths say the same, but for when. */
export const sameHealth = (one: ReadingHealth, other: ReadingHealth): boolean =>
  one.synced === other.synced && one.failure?.message === other.failure?.message;
