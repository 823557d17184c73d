/** Policies whose rules match by who asks: Envoy finds a route before it knows, and has to find another then. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpRule, Identities, Peer, RouteEntry, Socket } from '../../../src/model/graph.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../support/graph.ts';
import { ask } from '../../support/http.ts';
import { type IngressProxy, startIngressProxy } from '../../support/ingress-proxy.ts';
import { freePort } from '../../support/ports.ts';
import { type HttpBackend, httpEcho } from './backends.ts';
import { whoAnswers } from './clients.ts';

const peerOf = (name: string, address: string, more: Partial<Peer>): Peer => ({
  addresses: [address],
  user: '',
  displayName: '',
  groups: [],
  tags: [],
  node: `${name}.tail1.ts.net`,
  ...more,
});
const ann = peerOf('ann', '100.64.0.1', { user: 'ann@example.com', groups: ['group:beta'] });
const ci = peerOf('ci', '100.64.0.2', { tags: ['tag:ci'] });
const build = peerOf('build', '100.64.0.3', { tags: ['tag:ci', 'tag:build'] });
const stranger = '100.64.0.9';

const identities = (more: Partial<Identities>): Identities => ({ users: [], groups: [], tags: [], nodes: [], ...more });
const [stable, beta] = [backendOf('stable'), backendOf('beta')];
const forwarding = (backend: typeof stable): HttpRule['action'] => ({ kind: 'forward', shares: [shareOf(backend)] });
const policy = 'TailscaleRoutePolicy/default/peers' as const;

/** As `src/model/policies` splits an entry. */
const split = (path: string, peers: Partial<Identities>, rule: Partial<HttpRule>): readonly RouteEntry[] => {
  const at = { type: 'prefix', value: path } as const;
  const narrowed = entryOf(path, { path: at, peers: [identities(peers)] }, { action: forwarding(stable), ...rule });
  return [
    { ...narrowed, id: `${narrowed.id}/policies/1` },
    { ...entryOf(path, { path: at }, { action: forwarding(stable) }), orRules: [narrowed.rule] },
  ];
};

describe.skipIf(envoy === undefined)('rules of policies for some peers', () => {
  let fleet: Fleet;
  let port: number;
  const backends: HttpBackend[] = [];
  const opened: IngressProxy[] = [];

  beforeAll(async () => {
    backends.push(await httpEcho('stable'), await httpEcho('beta'));
    port = await freePort();
    const host = hostOf(
      '*',
      ...split('/canary', { groups: ['group:beta'] }, { action: forwarding(beta) }),
      ...split('/ci', { tags: ['tag:ci'] }, { identities: [{ policy, allow: identities({ nodes: ['build'] }) }] }),
      ...split('/limited', { users: ['ANN@example.com'] }, { rateLimit: { tokens: 1, burst: 1, fillIntervalMs: 3_600_000 } }),
      ...split('/named', { nodes: ['ci', 'ann.tail1.ts.net'] }, { action: forwarding(beta) }),
    );
    const socket: Socket = {
      ...socketOf(80, listenerOf('http', host)),
      addresses: ['127.0.0.1'],
      boundPort: port,
      tailnet: { tailnet: 'prod', service: 'svc:web' },
    };
    const endpoints = new Map(
      [stable, beta].map(({ id }, index) => [
        id,
        [{ zone: '', weight: 1, endpoints: [{ address: '127.0.0.1', port: backends[index]?.port ?? 0, healthy: true }] }],
      ]),
    );
    const peers = new Map([['prod', { byNode: new Map([ann, ci, build].map((peer) => [peer.node, peer])) }]]);
    fleet = await startFleet();
    await fleet.applyGraph({
      ...graphOf([gatewayOf({ sockets: [socket], backends: [beta, stable] })], endpoints),
      peers,
      fences: new Map([['default/edge', ['127.0.0.1']]]),
    });
  });
  afterAll(async () => {
    for (const proxy of opened) await proxy.stop();
    await fleet.stop();
    for (const backend of backends) await backend.stop();
  });

  const answersTo = async (peer: string, path: string): Promise<string> => {
    const proxy = await startIngressProxy({ to: port, peer });
    opened.push(proxy);
    return whoAnswers(await ask(proxy.port, path, { host: 'web' }));
  };
  const [ofAnn, ofCi, ofBuild] = [ann, ci, build].map(({ addresses }) => addresses[0] ?? '') as [string, string, string];

  it('send them elsewhere, and nobody else', async () => {
    expect([await answersTo(ofAnn, '/canary'), await answersTo(ofCi, '/canary'), await answersTo(stranger, '/canary')]).toEqual([
      'beta',
      'stable',
      'stable',
    ]);
  });

  it('ask them for more, though others are asked for nothing', async () => {
    expect([await answersTo(ofCi, '/ci'), await answersTo(ofBuild, '/ci'), await answersTo(ofAnn, '/ci')]).toEqual([
      '403',
      'stable',
      'stable',
    ]);
  });

  it('limit them alone', async () => {
    expect([await answersTo(ofAnn, '/limited'), await answersTo(ofAnn, '/limited'), await answersTo(ofCi, '/limited')]).toEqual([
      'stable',
      '429',
      'stable',
    ]);
  });

  it('know machines by name and by its first label', async () => {
    expect([await answersTo(ofAnn, '/named'), await answersTo(ofCi, '/named'), await answersTo(ofBuild, '/named')]).toEqual([
      'beta',
      'beta',
      'stable',
    ]);
  });
});
