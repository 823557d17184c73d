import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { simulator } from '../../src/simulator/simulator.ts';

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not a program: the next place is tried.
    return false;
  }
};

/** The program that drives an API server with Tailscale's own Go client: from API_CHECK, the PATH, or where the lab installs it. */
const apiCheck = [
  process.env['API_CHECK'] ?? '',
  ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'api-check')),
  join(process.env['LAB_CACHE'] ?? join(homedir(), '.cache', 'tailplane-lab'), 'bin', 'api-check'),
].find((path) => path !== '' && isExecutable(path));

/** Every check of one run, by its name. Rejects with the program's output when one failed. */
const checked = async (program: string, ...args: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)(program, args);
  return stdout.trimEnd().split('\n');
};

describe("Tailscale's own Go client", () => {
  // Without the lab it is skipped by name; in CI that is a failure.
  it.skipIf(apiCheck === undefined && process.env['CI'] !== 'true')('finds nothing to object to in the simulator (api-check)', async () => {
    if (apiCheck === undefined) throw new Error('api-check is not installed; give its path in API_CHECK');
    const simulated = simulator({ address: '127.0.0.1:0' });
    const { url } = await simulated.listen();
    try {
      const lines = await checked(apiCheck, '-client-id', 'simulated', '-client-secret', 'simulated', url);
      expect(lines.at(-1)).toBe('67 passed, 0 failed');
      expect(simulated.state().tailnets[0]).toMatchObject({ devices: [], services: [] });
    } finally {
      await simulated.close();
    }
  });
});
