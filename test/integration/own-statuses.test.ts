/** Statuses of our own kinds, as the model gives them, against the CRDs in a real API server. */
import { filter, firstValueFrom, type Subscription } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { statusWriteFor } from '../../controllers/status/desired.ts';
import { StatusWriter } from '../../controllers/status/writer.ts';
import type { Observations } from '../../src/api/observations.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import { controllerName, graphBuilder } from '../../src/model/build.ts';
import { ownStatusKinds, type Status } from '../../src/model/status.ts';
import { deviceOf, observationsOf, offline, stateOf, vipServiceOf } from '../../src/model/tailnets/fixtures.ts';
import { type KubernetesSource, kubernetesSource } from '../../src/sources/kubernetes/kubernetes-source.ts';
import type { SourceState } from '../../src/sources/source.ts';
import { DecidedElection } from '../support/election.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const world = `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: prod }
spec: { oauthSecretName: oauth }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: db, namespace: default, labels: { app: db } }
spec:
  tailnet: prod
  proxy: { replicas: 2, connectionType: bidirectional }
  endpoints: [{ name: one, tailscaleFQDN: one.tail1.ts.net, port: 80 }, { name: all, tags: ['tag:db'], port: 80 }]
  autoDiscovery: { port: 81 }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: db, namespace: default }
spec: { selector: { matchLabels: { app: db } }, vipService: {} }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleProxyGroup
metadata: { name: exits, namespace: default }
spec: { type: egress, tailnet: prod }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: share, namespace: default }
spec:
  gatewayRef: { name: edge }
  tailnets: [{ name: prod, tailscaleTailnetRef: { name: prod }, routeGeneration: { egress: {} } }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec: { gatewayClassName: none, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`;

const tagged = (name: string, address: string) => deviceOf(name, address, { tags: ['tag:a', 'tag:db'] });
const [one, two, three] = [tagged('one', '100.64.0.1'), tagged('two', '100.64.0.2'), tagged('three', '100.64.0.3')];

const pod = (name: string) => ({
  pod: name,
  ips: ['10.0.0.1'],
  ready: true,
  joined: true,
  nodeId: one.id,
  fqdn: `${name}.tail1.ts.net`,
  addresses: ['100.64.9.1'],
  wantsKey: false,
});

const proxies = (...pods: readonly string[]) => ({
  desired: 2,
  ready: pods.length,
  createdAt: '2026-01-01T00:00:00Z',
  pods: pods.map(pod),
});

const later: Observations = observationsOf([
  {
    ...stateOf([{ ...offline(one), lastSeen: '2026-01-01T00:00:00Z' }]),
    trouble: { kind: 'unreachable', message: 'no answer', since: '2026-01-01T00:00:00Z' },
  },
]);

describe.skipIf(!hasApiServer)('statuses of our own kinds', () => {
  let server: TestApiServer;
  let source: KubernetesSource;
  let following: Subscription;
  let state: SourceState | undefined;
  const open: { stop: () => void }[] = [];

  beforeAll(async () => {
    server = await startApiServer();
    source = kubernetesSource({ api: connect({ kubeconfig: server.kubeconfig }), controllerName });
    following = source.state$.subscribe((next) => void (state = next));
    await firstValueFrom(source.state$.pipe(filter(({ health }) => health.synced)));
  });
  afterAll(async () => {
    following.unsubscribe();
    await server.stop();
  });
  afterEach(() => {
    for (const writer of open.splice(0)) writer.stop();
  });

  const until = (holds: () => void): Promise<void> => vi.waitFor(holds, { timeout: 30_000, interval: 20 });

  const build = graphBuilder({ privilegedPorts: true, exclusivePorts: false, onCluster: true, defaultAddresses: [] });
  const wanted = (observations: Observations): ReadonlyMap<ObjectKey, Status> => {
    if (state === undefined) throw new Error('unreachable: nothing was read');
    return build(state.objects, observations).statuses;
  };
  const begin = () => {
    const election = new DecidedElection();
    election.lead(true);
    const refused: unknown[] = [];
    const log = { info: () => undefined, warn: (fields: object) => void refused.push(fields) };
    const common = { api: server.api, election, now: () => new Date(), log, events: () => undefined };
    const writer = new StatusWriter({ ...common, observed: source.observed, controllerName, limits: {} });
    open.push(writer);
    return { writer, refused };
  };

  const stands = (key: ObjectKey, status: Status): boolean => {
    const standing = source.observed.get(key);
    return standing !== undefined && statusWriteFor(status, standing, controllerName, new Date()) === undefined;
  };

  it('are taken as they are, and are not written again by a successor', async () => {
    await server.apply(world);
    const observed = observationsOf(
      [stateOf([one, two, three], [vipServiceOf('svc:db', '100.100.0.1'), vipServiceOf('svc:web', '100.100.0.2')])],
      {
        'default/db-egress': proxies('db-egress-0', 'db-egress-1'),
        'default/db-ingress': proxies('db-ingress-0'),
        'default/exits': proxies('exits-0'),
      },
    );
    await until(() => expect([...wanted(observed).values()].map(({ kind }) => kind)).toEqual(expect.arrayContaining([...ownStatusKinds])));
    const first = begin();
    for (const observations of [observed, later, observed]) {
      const statuses = wanted(observations);
      first.writer.want(statuses);
      await until(() => expect([...statuses].filter(([key, status]) => !stands(key, status))).toEqual([]));
      expect(first.refused).toEqual([]);
      expect(first.writer.stats).toMatchObject({ refused: 0, failed: 0 });
    }
    const { endpointStatus, devices } = source.observed.get('TailscaleEndpoints/default/db')?.status ?? {};
    expect(endpointStatus).toHaveLength(4 + 3);
    expect(devices).toHaveLength(3);
    first.writer.stop();

    const second = begin();
    second.writer.want(wanted(observed));
    await until(() => expect(second.writer.stats).toMatchObject({ ready: 0, waiting: 0, writing: 0 }));
    expect(second.writer.stats.written).toBe(0);
  });
});
