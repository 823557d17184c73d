import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provisionedBootstrapFor } from '../../bootstrap/provisioned.ts';
import { drainCommand } from '../../controllers/gateway/drain.ts';
import { graphBuilder } from '../../src/model/build.ts';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import { translator } from '../../xds/translate/translate.ts';
import { envoy, type RunningEnvoy, startEnvoy } from '../support/envoy.ts';
import { objectsIn, objectsOf } from '../support/gateway-api.ts';
import { ask } from '../support/http.ts';
import { freePorts } from '../support/ports.ts';
import { eventually } from '../support/world.ts';

const gateway = (port: number): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: gateway.tailscale.com/tailplane }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: tailplane
  listeners: [{ name: http, protocol: HTTP, port: ${port} }]
`;

describe.skipIf(envoy === undefined)('an Envoy as its pod runs it', () => {
  let ads: AdsServer;
  let running: RunningEnvoy;
  let ports: { readonly admin: number; readonly probe: number; readonly listener: number };

  beforeAll(async () => {
    const [admin = 0, probe = 0, listener = 0] = await freePorts(3);
    ports = { admin, probe, listener };
    ads = adsServer({ address: '127.0.0.1:0', groupOf: ({ cluster }) => cluster, controlPlaneId: 'test' });
    const bootstrap = provisionedBootstrapFor({
      xds: { host: '127.0.0.1', port: await ads.listen() },
      admin: { host: '127.0.0.1', port: admin },
      probe: { host: '127.0.0.1', port: probe },
    });
    running = await startEnvoy({
      bootstrap: JSON.stringify(bootstrap),
      args: ['--service-cluster', 'default/edge', '--service-node', 'edge-0', '--drain-time-s', '1'],
    });
  });
  afterAll(async () => {
    await running.stop();
    await ads.drain(0);
  });

  const probe = async (path: string): Promise<number> => (await ask(ports.probe, path)).status;

  it('is ready with its first configuration, and not before', async () => {
    expect(await (await fetch(`${running.adminUrl}/ready`)).text()).toMatch(/INITIALIZING/);
    await expect(probe('/ready')).rejects.toMatchObject({ code: 'ECONNREFUSED' });

    const build = graphBuilder({ privilegedPorts: false, exclusivePorts: true, defaultAddresses: ['127.0.0.1'] });
    const resources = translator()(build(objectsOf(objectsIn(gateway(ports.listener))))).get('default/edge');
    if (resources === undefined) throw new Error('unreachable: the Gateway is accepted');
    ads.publish('default/edge', snapshotOf(resources));
    await eventually(
      () => probe('/ready'),
      (status) => status === 200,
    );
  });

  it('answers metrics, and nothing else that the admin port could do', async () => {
    expect((await ask(ports.probe, '/stats/prometheus')).body).toContain('envoy_server_live');
    const others = ['/', '/config_dump', '/quitquitquit', '/healthcheck/fail', '/ready/', '/stats', '//ready'];
    expect(await Promise.all(others.map(probe))).toEqual(others.map(() => 404));
    expect((await ask(ports.probe, '/stats/prometheus', {}, { method: 'POST' })).status).toBe(404);
  });

  it('turns unready by what its pod runs before it is stopped, and serves on until it is', async () => {
    const alive = { connection: 'keep-alive' };
    expect((await ask(ports.listener, '/', alive)).headers.connection).not.toBe('close');
    const [program = '', ...args] = drainCommand(ports.admin, 1);
    await promisify(execFile)(program, args);
    expect(await probe('/ready')).toBe(503);
    const answer = await eventually(
      () => ask(ports.listener, '/', alive),
      ({ headers }) => headers.connection === 'close',
    );
    expect(answer.status).toBe(404);
  });

  it('has its drain fail at once where Envoy is gone', async () => {
    const [port = 0] = await freePorts(1);
    const [program = '', ...args] = drainCommand(port, 3600);
    await expect(promisify(execFile)(program, args)).rejects.toMatchObject({ code: 1 });
  });
});
