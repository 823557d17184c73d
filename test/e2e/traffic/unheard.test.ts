/** Envoys outlive tailplane, and one that starts anew may not hear of a tailnet for long: what they know of its machines stands. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, Graph } from '../../../src/model/graph.ts';
import { type AdsServer, adsServer } from '../../../xds/ads/server.ts';
import { snapshotOf } from '../../../xds/snapshot/snapshot-of.ts';
import { translator } from '../../../xds/translate/translate.ts';
import { type ConnectProxy, startConnectProxy } from '../../support/connect-proxy.ts';
import { envoy, type RunningEnvoy, startEnvoy } from '../../support/envoy.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../support/graph.ts';
import { ask } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { edgeBootstrap, eventually } from '../../support/world.ts';
import { httpEcho, type HttpBackend } from './backends.ts';
import { whoAnswers } from './clients.ts';

const backend: Backend = backendOf('app', {
  id: 'TailscaleEndpoints/default/app/80',
  key: 'TailscaleEndpoints/default/app',
  reach: { form: 'tunnelled', sets: ['default/egress'], balancing: 'round-robin', outlierDetection: false },
});

describe.skipIf(envoy === undefined).each(['GRPC', 'DELTA_GRPC'] as const)(
  'a tailplane that comes back and hears nothing of a tailnet, %s',
  (apiType) => {
    let one: HttpBackend;
    let through: ConnectProxy;
    let proxy: RunningEnvoy;
    let ads: AdsServer;
    let xds: number;
    let port: number;
    const patienceMs = 300;

    const serve = async (endpoints: Graph['endpoints']): Promise<void> => {
      ads = adsServer({ address: `127.0.0.1:${xds}`, groupOf: ({ cluster }) => cluster, controlPlaneId: 'test', limits: { patienceMs } });
      const entry = entryOf('app', {}, { action: { kind: 'forward', shares: [shareOf(backend)] } });
      const socket = { ...socketOf(port, listenerOf('http', hostOf('*', entry))), addresses: ['127.0.0.1'] };
      const resources = translator()(graphOf([gatewayOf({ sockets: [socket], backends: [backend] })], endpoints)).get('default/edge');
      if (resources === undefined) throw new Error('unreachable: the Gateway is there');
      ads.publish('default/edge', snapshotOf(resources));
      await ads.listen();
    };

    beforeEach(async () => {
      [xds = 0, port = 0] = await freePorts(2);
      one = await httpEcho('one');
      through = await startConnectProxy();
      const via = { kind: 'proxy', proxy: { host: '127.0.0.1', port: through.port }, set: 'default/egress' } as const;
      const endpoints = [{ address: '127.0.0.1', port: one.port, healthy: true, via }];
      await serve(new Map([[backend.id, [{ zone: '', weight: 1, endpoints }]]]));
      proxy = await startEnvoy({ bootstrap: edgeBootstrap(xds, apiType) });
      await proxy.live();
    });
    afterEach(async () => {
      await proxy.stop();
      await ads.drain(0);
      await one.stop();
      await through.stop();
    });

    it('leaves machines and their proxies with the Envoys that have them', { timeout: 120_000 }, async () => {
      const answers = (): Promise<string> => ask(port).then(whoAnswers);
      await eventually(answers, (who) => who === 'one');
      await ads.drain(0);
      await serve(new Map());
      await eventually(
        async () => ads.clients(),
        (clients) => clients.length > 0,
        60_000,
      );
      const uptime = async (): Promise<number> =>
        Number(/server.uptime: (\d+)/.exec(await proxy.admin('/stats?filter=server.uptime'))?.[1]);
      // Longer than the server is patient with what it may not take away yet, and than Envoy waits for what does not come.
      const since = await uptime();
      await eventually(uptime, (now) => now >= since + 7);
      expect(await answers()).toBe('one');
      expect(await proxy.admin('/clusters')).toContain(`tailnet/proxies/default/egress::127.0.0.1:${through.port}::health_flags::healthy`);
    });
  },
);
