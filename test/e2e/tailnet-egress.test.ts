/** Gateway → Envoy → one of two userspace tailscaleds → WireGuard → a machine of a real tailnet. What is done there is in tailnet-egress/scenario.ts. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../support/envoy.ts';
import { hasTailnet, runIsolated } from '../support/tailnet-lab.ts';
import type { Report } from './tailnet-egress/scenario.ts';

describe.skipIf(envoy === undefined || !hasTailnet)('egress into a real tailnet', () => {
  let report: Report;
  beforeAll(async () => {
    report = JSON.parse(await runIsolated(join(import.meta.dirname, 'tailnet-egress', 'scenario.ts'))) as Report;
    process.stderr.write(`one of two proxies killed: ${JSON.stringify(report.killed)}\n`);
  }, 240_000);

  it.each([
    ['HTTP over two proxies', 'web', 'one'],
    ['HTTP over the only proxy', 'single', 'one'],
    ['HTTP by IPv6', 'v6', 'one'],
    ['HTTP by MagicDNS name', 'named', 'one'],
    ['HTTP to a name outside the tailnet', 'outside', 'two'],
    ['HTTPS with a BackendTLSPolicy', 'https', 'https'],
    ['gRPC', 'grpc', 'grpc'],
    ['raw TCP whose server talks first', 'tcp', 'tcp:hello'],
    ['TLS that is passed through', 'passthrough', 'passthrough:hello'],
  ])('carries %s', (_, name, answer) => {
    expect(report.answers[name]).toBe(answer);
  });

  it.each(['POST', 'gRPC', 'TCP'])('loses no more of %s than was under way when one of two proxies is killed', (kind) => {
    const { failed, width, done } = report.killed[kind] ?? { failed: 0, width: 0, done: 0 };
    expect(failed).toBeLessThanOrEqual(width);
    expect(done).toBeGreaterThan(50);
  });

  it('loses no request that may be repeated when one of two proxies is killed', () => {
    expect(report.killed['GET']).toMatchObject({ failed: 0 });
  });

  it('loses nothing when a dead proxy is no longer named', () => {
    expect(Object.values(report.without).map(({ failed }) => failed)).toEqual([0, 0, 0, 0]);
  });

  it('goes over to the second priority when a machine is gone without a word, but for the connection that stands, and at once when the tailnet knows it', () => {
    const { before, unreachable, offline } = report.failover;
    expect([before, offline]).toEqual(['one', 'two']);
    expect(unreachable['two']).toBeGreaterThanOrEqual(7);
    expect(unreachable['nobody'] ?? 0).toBeLessThanOrEqual(1);
  });
});
