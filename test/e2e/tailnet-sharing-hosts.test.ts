/** What the lab's tailnet does with a Tailscale Service that two machines offer to host. What is done there is in tailnet-sharing/hosts.ts. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasTailnet, runIsolated } from '../support/tailnet-lab.ts';
import type { HostsReport } from './tailnet-sharing/hosts.ts';

describe.skipIf(!hasTailnet)('a service of a real tailnet with two hosts', () => {
  let report: HostsReport;
  beforeAll(async () => {
    report = JSON.parse(await runIsolated(join(import.meta.dirname, 'tailnet-sharing', 'hosts.ts'))) as HostsReport;
  }, 240_000);

  it('is reached by its name and by both of its addresses', () => {
    expect(report.answers).toEqual({ name: 'one', ipv4: 'one', ipv6: 'one' });
  });

  it('goes over to the other host when the first one is gone', () => {
    expect(report.killed).toBe('two');
  });

  it('is nowhere when nobody offers it any more', () => {
    expect(report.withdrawn).toBe('0');
    expect(report.moves).toEqual(['proxy-1', 'proxy-2', null]);
  });

  it('has hosts of which the API knows whether they are there', () => {
    expect(report.online).toEqual([false, true]);
  });
});
