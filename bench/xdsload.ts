/** Runs the lab's load client and gives the figures of its report that the benchmark and the tests look at. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

type Stats = { readonly rss_mb: number; readonly rss_peak_mb: number; readonly cpu_s: number };
type Connect = { readonly wall_ms: number; readonly streams_ready: number; readonly bytes: number };

/** The load client's report, as far as it is used here. */
export type Report = {
  readonly streams: number;
  readonly connect: Connect;
  readonly reconnects?: readonly Connect[];
  readonly update_summary?: {
    readonly median_of_p50_ms: number;
    readonly median_of_p99_ms: number;
    readonly bytes_per_stream: number;
    readonly responses_per_stream: number;
  };
  readonly updates?: readonly { readonly streams_reached: number }[];
  readonly server_stats?: Readonly<Partial<Record<'before' | 'after_connect' | 'after_reconnects' | 'after_updates', Stats>>>;
  readonly violations: Readonly<Record<string, { readonly count: number; readonly examples: readonly string[] }>>;
  readonly notes: Readonly<Record<string, unknown>>;
};

/** Throws if the client could not start; streams that never got ready show in the report. */
export const runLoad = async (program: string, flags: readonly string[]): Promise<Report> => {
  const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (out === '') throw new Error(`the load client failed: ${err}`);
  return JSON.parse(out) as Report;
};
