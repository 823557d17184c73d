import { describe, expect, it } from 'vitest';
import { changed, type ChangeKind } from '../../bench/ads-config.ts';
import { runLoad } from '../../bench/xdsload.ts';
import { adsServer } from '../../xds/ads/server.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { labProgram } from '../support/lab.ts';
import { assignment, edsCluster, hcmListener, resourcesOf, routeTo } from '../support/ads-resources.ts';

const program = labProgram('xdsload', 'xds');

const names = Array.from({ length: 30 }, (_, index) => `cluster-${index}`);
const start = resourcesOf({
  clusters: names.map((name) => edsCluster(name)),
  endpoints: names.map((name) => assignment(name, 8080)),
  listeners: [hcmListener('l', 'rc', 20_000)],
  routes: [routeTo('rc', 'cluster-0')],
});

/** A load client against a server whose configuration changes at its request. */
const load = async (kinds: readonly ChangeKind[], flags: readonly string[]) => {
  const ads = adsServer({ address: '127.0.0.1:0', groupOf: () => 'all', controlPlaneId: 'test' });
  const port = await ads.listen();
  let resources = start;
  let snapshot = snapshotOf(resources);
  let epoch = 0;
  ads.publish('all', snapshot);
  const trigger = createServer((_request, response) => {
    const kind = kinds[epoch++ % kinds.length] ?? 'noop';
    resources = changed(resources, kind, epoch);
    snapshot = snapshotOf(resources, snapshot);
    ads.publish('all', snapshot);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(trigger, 'listening');
  const url = `http://127.0.0.1:${(trigger.address() as AddressInfo).port}/`;
  try {
    return await runLoad(program ?? '', [
      `-addr=127.0.0.1:${port}`,
      `-trigger-url=${url}`,
      '-runs=4',
      '-update-timeout=2s',
      '-settle=100ms',
      ...flags,
    ]);
  } finally {
    trigger.close();
    await ads.drain(500);
  }
};

// A machine that has the load client in CI must use it: a skipped test there would prove nothing.
describe.skipIf(program === undefined && process.env['CI'] !== 'true')('under load by clients that behave like Envoy (xdsload)', () => {
  describe.each(['sotw', 'delta'])('%s', (mode) => {
    it.each(['endpoint', 'route', 'cluster-add', 'cluster-touch'] as const)('a change of kind %s breaks no rule', async (kind) => {
      const report = await load([kind], [`-mode=${mode}`, '-streams=20']);
      expect(report.connect.streams_ready).toBe(20);
      expect(report.violations).toEqual({});
    });

    it('a snapshot that changes nothing sends nothing', async () => {
      const report = await load(['noop'], [`-mode=${mode}`, '-streams=20', '-runs=1', '-update-timeout=300ms']);
      expect(report.violations).toEqual({});
      expect(report.update_summary?.responses_per_stream).toBe(0);
    });

    it('clusters that come and go break no rule', async () => {
      const report = await load(
        ['cluster-add', 'cluster-del'],
        [`-mode=${mode}`, '-streams=10', '-conns=2', '-wildcard=explicit', '-reconnects=1'],
      );
      expect(report.violations).toEqual({});
    });

    it('slow clients get collapsed updates, and no rule is broken', async () => {
      const report = await load(['endpoint'], [`-mode=${mode}`, '-streams=10', '-burst', '-slow=3', '-slow-delay=100ms']);
      expect(report.violations).toEqual({});
    });

    it('clients that reject routes are not pestered', async () => {
      const report = await load(['route'], [`-mode=${mode}`, '-streams=10', '-nack-streams=3', '-nack-type=rds', '-update-timeout=500ms']);
      expect(report.violations).toEqual({});
    });
  });

  it('a Delta client that comes again is sent next to nothing', async () => {
    const report = await load(['noop'], ['-mode=delta', '-streams=20', '-reconnects=1', '-runs=1', '-update-timeout=300ms']);
    expect((report.reconnects?.[0]?.bytes ?? Number.NaN) / 20).toBeLessThan(300);
  });
});
