import type { Report } from './report.ts';

/** What another replica said last. Times are milliseconds of the local monotonic clock: machines' clocks are not compared. */
export type Heard = {
  readonly report: Report;
  /** Changes with every write, also of the same report. */
  readonly version: string;
  readonly heardMs: number;
  /** When its report was found deleted. */
  readonly goneMs?: number;
};

/** By replica. */
export type Others = ReadonlyMap<string, Heard>;

export const patience = {
  /** After so long without a word a replica is taken for dead. It gives one every 20 seconds. */
  silentMs: 60_000,
  /** For so long its Envoys are expected to come back elsewhere, and to reject again what they rejected. */
  movingMs: 30_000,
} as const;

/** What stands now, `reports` being all there are, laid over what was heard before. */
export const hear = (
  others: Others,
  reports: ReadonlyMap<string, { readonly report: Report; readonly version: string }>,
  nowMs: number,
): Others => {
  const next = new Map<string, Heard>();
  for (const [replica, { report, version }] of reports) {
    const before = others.get(replica);
    next.set(replica, before?.version === version && before.goneMs === undefined ? before : { report, version, heardMs: nowMs });
  }
  for (const [replica, heard] of others) {
    const goneMs = heard.goneMs ?? nowMs;
    if (!next.has(replica) && nowMs - goneMs < patience.movingMs) next.set(replica, { ...heard, goneMs });
  }
  return next;
};

/** Whether its Envoys are connected to it, as far as anybody knows. */
export const isLive = ({ heardMs, goneMs }: Heard, nowMs: number): boolean => goneMs === undefined && nowMs - heardMs < patience.silentMs;

/** Whether what it said of rejections still counts. */
export const counts = (heard: Heard, nowMs: number): boolean =>
  isLive(heard, nowMs) || (heard.goneMs !== undefined && nowMs - heard.goneMs < patience.movingMs);
