/** Mode `direct`: Gateway → an Envoy that stands in the tailnet itself → WireGuard → a machine. What is done there is in tailnet-direct/scenario.ts. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../support/envoy.ts';
import { hasTailnet, runIsolated } from '../support/tailnet-lab.ts';
import type { Report } from './tailnet-direct/scenario.ts';

describe.skipIf(envoy === undefined || !hasTailnet)('an Envoy in a tailnet', () => {
  let report: Report;
  beforeAll(async () => {
    report = JSON.parse(await runIsolated(join(import.meta.dirname, 'tailnet-direct', 'scenario.ts'))) as Report;
  }, 180_000);

  it.each(
    [
      ['endpoints', 'TailscaleEndpoints'],
      ['services', 'TailscaleServices'],
    ].flatMap(([target, kind]) => [
      ['HTTPRoute', kind, `http-${target}`, 'machine'],
      ['GRPCRoute', kind, `grpc-${target}`, 'machine'],
      ['TLSRoute', kind, `tls-${target}`, 'machine:hello'],
      ['TCPRoute', kind, `tcp-${target}`, 'machine:hello'],
      ['UDPRoute', kind, `udp-${target}`, 'machine:hello'],
    ]),
  )('carries what %s has for %s to a machine', (_route, _kind, name, answer) => {
    expect(report[name ?? '']).toBe(answer);
  });
});
