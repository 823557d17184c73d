import { readFileSync } from 'node:fs';

/** What a tailplane holds, in MB; heap, external and buffers as Node counts them. */
export type Memory = { readonly rss: number; readonly heap: number; readonly heapTotal: number; readonly external: number };

/** From /proc and from the process's own metrics. */
export const memoryOf = async (pid: number, httpPort: number): Promise<Memory> => {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN) / 2 ** 20;
  const [, rss = 'NaN'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return {
    rss: Number(rss) / 1024,
    heap: metric('nodejs_heap_size_used_bytes'),
    heapTotal: metric('nodejs_heap_size_total_bytes'),
    external: metric('nodejs_external_memory_bytes'),
  };
};

/** Rise of y for each unit of x, by least squares; NaN of fewer than two points. */
export const slopeOf = (points: readonly (readonly [x: number, y: number])[]): number => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x0, y0] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const [xy, xx] = points.reduce(([xy, xx], [x, y]) => [xy + (x - x0) * (y - y0), xx + (x - x0) ** 2] as const, [0, 0] as const);
  return xy / xx;
};
