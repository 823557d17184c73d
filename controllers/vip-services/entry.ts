import type { Verdict } from '../../src/model/route-node.ts';
import type { Hosting, OurHosts } from './hosts.ts';

/** What we are up to with one service. Times are by a clock that is never set. */
export type Entry = {
  isBusy: boolean;
  /** Rounds in a row after which something was left to do. */
  misses: number;
  notBefore: number;
  /** When to look whether what we wrote stands for good. */
  settleAt?: number;
  failure?: Verdict | undefined;
  hosting?: Hosting & { readonly of: OurHosts; readonly autoApprove: boolean; readonly nextAt: number; readonly tries: number };
};

export const newEntry = (): Entry => ({ isBusy: false, misses: 0, notBefore: 0 });

/** Whether nothing is lost when it is forgotten. */
export const isQuiet = ({ isBusy, settleAt, misses }: Entry): boolean => !isBusy && settleAt === undefined && misses === 0;

export const firstDue = <T extends { readonly at: number }>(all: readonly T[]): T | undefined =>
  all.reduce<T | undefined>((first, each) => (first === undefined || each.at < first.at ? each : first), undefined);

/** After failures in a row: doubles with each, less up to a half by chance; ten minutes at most. */
export const afterFailureMs = (misses: number, random: number): number => waitMs(misses, 2000, 600_000, random);

/** After rounds in a row in which somebody else was in between. */
export const afterContentionMs = (misses: number, random: number): number => waitMs(misses, 500, 60_000, random);

const waitMs = (misses: number, firstMs: number, longestMs: number, random: number): number =>
  Math.min(firstMs * 2 ** Math.min(misses - 1, 30), longestMs) * (1 - random / 2);

/** Soon while hosts are not ready, more and more rarely; each hour when they are. */
export const hostsAskedAgainMs = (tries: number, random: number): number =>
  tries === 0 ? 3_600_000 * (0.9 + 0.2 * random) : Math.min(5000 * 2 ** Math.min(tries - 1, 30), 300_000) * (1 - random / 10);
