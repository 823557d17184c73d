import { filter, firstValueFrom, map, startWith } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Replicas } from '../../controllers/replicas/replicas.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { ClientStatus } from '../../xds/ads/events.ts';
import { typeUrlOf } from '../../xds/resources.ts';
import { encodedFrom } from '../../xds/snapshot/encoded.ts';
import { snapshotFrom } from '../../xds/snapshot/snapshot.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { graphOf } from '../support/graph.ts';

const [cds, lds] = [typeUrlOf('Cluster'), typeUrlOf('Listener')];
const snapshot = snapshotFrom(
  new Map([
    [cds, [encodedFrom(cds, 'shop', Buffer.from('shop'), ['HTTPRoute/default/shop'])]],
    [lds, [encodedFrom(lds, 'edge', Buffer.from('edge'))]],
  ]),
);
const graph = graphOf([]);
const update = { graph, snapshots: new Map([['default/edge', snapshot]]) };

const envoy = (rejected: readonly string[] = []): ClientStatus => ({
  group: 'default/edge',
  node: { id: 'envoy', cluster: 'default/edge' },
  peer: '127.0.0.1:1',
  mode: 'delta',
  served: true,
  current: true,
  since: 0,
  types: [cds, lds].map((typeUrl) => ({
    typeUrl,
    version: snapshot.get(typeUrl)?.version ?? '',
    acknowledged: true,
    error: rejected.length > 0 ? 'no such thing' : '',
    rejected: typeUrl === cds ? rejected : [],
  })),
});

describe.skipIf(!hasApiServer)('replicas, against a real API server', () => {
  let server: TestApiServer;
  const open: Replicas[] = [];
  beforeAll(async () => {
    server = await startApiServer({ crds: false });
  });
  afterAll(() => server.stop());
  afterEach(() => Promise.all(open.splice(0).map((replicas) => replicas.stop())));

  let scenes = 0;
  /** Replicas in a namespace of their own. */
  const scene = async () => {
    const namespace = `replicas-${scenes++}`;
    await server.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
    const begin = (pod: string) => {
      const clients: ClientStatus[] = [];
      const failures: unknown[] = [];
      const replicas = new Replicas({
        api: connect({ kubeconfig: server.kubeconfig }),
        replica: { namespace, pod },
        process: `${pod}-${open.length}`,
        clients: () => clients,
        failed: (error) => void failures.push(error),
      });
      open.push(replicas);
      replicas.published(update);
      replicas.start();
      const until = <T>(read: () => T, is: (value: T) => boolean): Promise<T> =>
        firstValueFrom(replicas.changes$.pipe(startWith(undefined), map(read), filter(is)));
      const have = (...now: readonly ClientStatus[]) => {
        clients.splice(0, clients.length, ...now);
        replicas.happened();
      };
      return { replicas, failures, until, have };
    };
    const stored = async () => {
      const { items } = (await server.api.request({ path: `/api/v1/namespaces/${namespace}/configmaps` })) as {
        readonly items: readonly KubeObject[];
      };
      return items.filter(({ metadata }) => metadata.name.startsWith('tailplane-replica-')).map(({ metadata }) => metadata.name);
    };
    return { begin, stored };
  };

  it('tells each other which Envoys are connected, what they accepted and what they reject', async () => {
    const { begin, stored } = await scene();
    const [one, two] = [begin('one'), begin('two')];
    expect(two.replicas.synced).toBe(false);
    one.have(envoy(['shop']));
    await two.until(
      () => two.replicas.accepted('default/edge'),
      (accepted) => accepted,
    );
    expect([two.replicas.synced, two.replicas.connected('default/edge')]).toEqual([true, 1]);
    expect(two.replicas.rejections()).toEqual([
      { gateway: 'default/edge', type: 'Cluster', name: 'shop', error: 'no such thing', owners: ['HTTPRoute/default/shop'] },
    ]);
    expect(one.replicas.rejections()).toEqual(two.replicas.rejections());
    expect(await stored()).toEqual(['tailplane-replica-one', 'tailplane-replica-two']);
  });

  it('leaves no report behind, and its Envoys to others', async () => {
    const { begin, stored } = await scene();
    const [one, two] = [begin('one'), begin('two')];
    one.have(envoy(['shop']));
    await two.until(
      () => two.replicas.connected('default/edge'),
      (connected) => connected === 1,
    );
    const gone = two.until(
      () => two.replicas.connected('default/edge'),
      (connected) => connected === 0,
    );
    await one.replicas.stop();
    await gone;
    expect([two.replicas.accepted('default/edge'), two.replicas.rejections().length]).toEqual([true, 1]);
    expect(await stored()).toEqual(['tailplane-replica-two']);
  });

  it('goes on where it was after the API server was away, and knows what changed meanwhile', async () => {
    const { begin } = await scene();
    const [one, two] = [begin('one'), begin('two')];
    one.have(envoy());
    await two.until(
      () => two.replicas.connected('default/edge'),
      (connected) => connected === 1,
    );
    await server.kill();
    two.have();
    one.have(envoy(), { ...envoy(), node: { id: 'other', cluster: 'default/edge' } });
    expect([two.replicas.accepted('default/edge'), two.replicas.connected('default/edge')]).toEqual([true, 1]);
    const both = two.until(
      () => two.replicas.connected('default/edge'),
      (connected) => connected === 2,
    );
    await server.restart();
    await both;
    expect(two.replicas.accepted('default/edge')).toBe(true);
  });

  it('writes its report again when somebody deletes it', async () => {
    const { begin, stored } = await scene();
    const [one, two] = [begin('one'), begin('two')];
    one.have(envoy());
    const sees = (count: number) =>
      two.until(
        () => two.replicas.connected('default/edge'),
        (connected) => connected === count,
      );
    await sees(1);
    const gone = sees(0);
    const [name] = await stored();
    await server.api.request({ method: 'DELETE', path: `/api/v1/namespaces/replicas-${scenes - 1}/configmaps/${name}` });
    await gone;
    await sees(1);
    expect(one.failures).toEqual([]);
  });
});
