import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** A program that is never idle: it keeps replacing small parts of much. */
const busy = (release: string): string => `
  import { releaseMemory } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'cli', 'heap.ts'))};
  ${release}
  const held = Array.from({ length: 100_000 }, () => new Array(50).fill(0));
  const end = Date.now() + 6000;
  const work = () => {
    for (let index = 0; index < 1000; index += 1) held[Math.floor(Math.random() * held.length)] = new Array(50).fill(index);
    if (Date.now() < end) setTimeout(work, 2);
  };
  work();
`;

/** How many collections of the whole heap were to reduce memory, and how many were not. */
const collections = async (script: string): Promise<{ readonly reducing: number; readonly others: number }> => {
  const flags = ['--max-semi-space-size=1', '--heap-growing-percent=10', '--trace-gc', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { maxBuffer: 2 ** 26 });
  const all = stdout.split('\n').filter((line) => line.includes('Mark-Compact'));
  const reducing = all.filter((line) => line.includes('(reduce)')).length;
  return { reducing, others: all.length - reducing };
};

describe('memory of a program that is never idle', () => {
  it('is given back every so often, and collected as ever in between', async () => {
    const { reducing, others } = await collections(busy('releaseMemory(1000);'));
    expect(reducing).toBeGreaterThan(0);
    expect(others).toBeGreaterThan(reducing);
  });

  it('would not be by V8 alone', async () => {
    expect((await collections(busy(''))).reducing).toBe(0);
  });
});
