/** Routes in parts, in a real Envoy: nobody notices when a listener with very many hosts goes over to them, or back. */
import { once } from 'node:events';
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootstrapFor } from '../../bootstrap/bootstrap.ts';
import type { Gateway, Graph, RouteEntry, VirtualHost } from '../../src/model/graph.ts';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { translator } from '../../xds/translate/translate.ts';
import { envoy, type RunningEnvoy, startEnvoy } from '../support/envoy.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../support/graph.ts';
import { freePorts } from '../support/ports.ts';

type Answer = { readonly status: number; readonly revision: string | undefined; readonly seen: IncomingHttpHeaders };

const app = backendOf('app');

const entry = (name: string, revision: string): RouteEntry =>
  entryOf(
    name,
    {},
    {
      action: { kind: 'forward', shares: [shareOf(app)] },
      responseHeaders: { set: [{ name: 'x-revision', value: revision }], add: [], remove: [] },
    },
  );

const host = (domain: string, revision = '1'): VirtualHost => hostOf(domain, entry(domain, revision));
const exact = (index: number): string => `app-${index}.example`;
const hosts = (count: number, revision = '1'): readonly VirtualHost[] => [
  ...Array.from({ length: count }, (_, index) => host(exact(index), index === 0 ? revision : '1')),
  host('*.wild.example', 'wild'),
];

describe.skipIf(envoy === undefined).each(['DELTA_GRPC', 'GRPC'] as const)('routes in parts over %s', (apiType) => {
  let backend: Server;
  let ads: AdsServer;
  let proxy: RunningEnvoy;
  let snapshot: Snapshot | undefined;
  let ports: readonly number[] = [];
  const translate = translator({ bindAddresses: ['127.0.0.1'] });
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });

  const ask = async (port: number, name: string, headers: Record<string, string> = {}, by: Agent | false = agent): Promise<Answer> => {
    const asked = request({ agent: by, host: '127.0.0.1', port, headers: { ...headers, host: name } });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const body = await text(answer);
    const { statusCode: status = 0 } = answer;
    const revision = answer.headers['x-revision'];
    return { status, revision: String(revision), seen: status === 200 ? (JSON.parse(body) as IncomingHttpHeaders) : {} };
  };

  const publish = (...listeners: readonly (readonly VirtualHost[])[]): void => {
    const gateway: Gateway = gatewayOf({
      sockets: listeners.map((virtualHosts, index) => socketOf(ports[index] ?? 0, listenerOf('http', ...virtualHosts))),
      backends: [app],
    });
    const { port } = backend.address() as AddressInfo;
    const endpoints: Graph['endpoints'] = new Map([
      [app.id, [{ zone: '', weight: 1, endpoints: [{ address: '127.0.0.1', port, healthy: true }] }]],
    ]);
    const resources = translate(graphOf([gateway], endpoints)).get('default/edge');
    if (resources === undefined) throw new Error('unreachable: the edge is in the graph');
    snapshot = snapshotOf(resources, snapshot);
    ads.publish('default/edge', snapshot);
  };

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds().catch(() => false))) await sleep(5);
  };
  const seen = (port: number, name: string, revision = '1'): Promise<void> =>
    until(async () => (await ask(port, name)).revision === revision);
  /** Whether the listener in use looks up scopes. */
  const isScoped = async (port: number): Promise<boolean> => {
    type Listeners = {
      readonly configs: readonly { readonly name: string; readonly active_state?: object; readonly warming_state?: object }[];
    };
    const { configs } = JSON.parse(await proxy.admin('/config_dump?resource=dynamic_listeners')) as Listeners;
    const found = configs.find(({ name }) => name === `tcp/${port}`);
    if (found?.active_state === undefined || found.warming_state !== undefined) throw new Error(`tcp/${port} is not ready`);
    return JSON.stringify(found.active_state).includes('scope_key_builder');
  };

  beforeEach(async () => {
    backend = createServer((asked, answer) => answer.end(JSON.stringify(asked.headers))).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    ads = adsServer({ address: '127.0.0.1:0', groupOf: ({ cluster }) => cluster, controlPlaneId: 'test' });
    ports = await freePorts(2);
    const xds = { host: '127.0.0.1', port: await ads.listen() };
    const gateway = { namespace: 'default', name: 'edge' };
    proxy = await startEnvoy({
      args: ['--drain-time-s', '1'],
      bootstrap: JSON.stringify(bootstrapFor({ gateway, nodeId: 'edge-0', xds, apiType, admin: { host: '127.0.0.1', port: 0 } })),
    });
  });
  afterEach(async () => {
    await proxy.stop();
    await ads.drain(100);
    agent.destroy();
    backend.close();
  });

  it('answers every request while listeners go over to parts and back, and routes the same by parts as by the whole', async () => {
    const [first = 0, second = 0] = ports;
    const known = new Map([
      [first, 1],
      [second, 1],
    ]);
    const failures: string[] = [];
    let running = true;
    let requests = 0;
    let phase = 'start';
    /** On connections that stay, which the listener before still serves, or on new ones. */
    const load = async (port: number, by: Agent | false): Promise<void> => {
      for (let index = 0; running; index = (index + 7) % (known.get(port) ?? 1)) {
        const answer = ask(port, exact(index), {}, by);
        // A connection that is kept may end just when it is used again; clients then use another.
        const { status } = await (by === false ? answer : answer.catch(() => ask(port, exact(index), {}, false))).catch(() => ({
          status: 0,
        }));
        requests += 1;
        if (status !== 200) failures.push(`${phase}: ${port === first ? 'first' : 'second'} ${exact(index)} ${status}`);
        await sleep(1);
      }
    };

    publish(hosts(200), hosts(10));
    await seen(first, exact(199));
    await seen(second, exact(9));
    known.set(first, 200).set(second, 10);
    const loads = [first, second].flatMap((port) => [load(port, agent), load(port, agent), load(port, false), load(port, false)]);
    expect(await isScoped(first)).toBe(false);

    phase = 'over to parts';
    publish(hosts(300), hosts(10));
    await until(() => isScoped(first));
    await seen(first, exact(299));
    known.set(first, 300);
    await sleep(300);

    phase = 'more, for connections of before too';
    publish(hosts(400, '2'), hosts(10));
    await seen(first, exact(0), '2');
    await seen(first, exact(399));
    await sleep(50);
    known.set(first, 400);

    phase = 'another listener goes over at once';
    publish(hosts(400, '2'), hosts(400));
    await until(() => isScoped(second));
    await seen(second, exact(399));
    known.set(second, 400);
    await sleep(300);

    const asWhole = await ask(second, exact(5));
    const spellings = [
      exact(5).toUpperCase(),
      `${exact(5)}:8080`,
      'x.wild.example',
      'y.z.wild.example:1',
      'nobody.example',
      '[::1]:80',
      'a_b.wild.example',
    ];
    const answers = await Promise.all(spellings.map((name) => ask(second, name, { 'x-tailplane-scope': 'mine' }, false)));
    expect(asWhole.status).toBe(200);
    expect(answers.map(({ status, revision }) => `${status} ${revision}`)).toEqual([
      '200 1',
      '200 1',
      '200 wild',
      '200 wild',
      '404 undefined',
      '404 undefined',
      '200 wild',
    ]);
    expect(answers.every(({ seen: headers }) => headers['x-tailplane-scope'] === undefined)).toBe(true);

    phase = 'back to wholes';
    known.set(first, 50).set(second, 50);
    await sleep(50);
    publish(hosts(50, '3'), hosts(50, '3'));
    await until(async () => !(await isScoped(first)) && !(await isScoped(second)));
    await seen(first, exact(0), '3');
    await sleep(300);

    // Connections of before are drained, and with them went Envoy's subscription to scopes.
    await sleep(2000);
    phase = 'over to parts again';
    publish(hosts(300, '4'), hosts(300, '4'));
    await until(async () => (await isScoped(first)) && (await isScoped(second)));
    await seen(second, exact(299));
    known.set(first, 300).set(second, 300);
    await sleep(300);

    running = false;
    await Promise.all(loads);
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(500);
  });
});
