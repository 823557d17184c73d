import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignment, edsCluster, resourcesOf } from '../../test/support/ads-resources.ts';
import { decode } from '../codec.ts';
import { typeUrlOf } from '../resources.ts';
import { changeBetween } from './diff.ts';
import { encodedFrom } from './encoded.ts';
import { History } from './history.ts';
import { snapshotOf } from './snapshot-of.ts';
import { snapshotFrom, typeSnapshotFrom } from './snapshot.ts';

const cds = typeUrlOf('Cluster');
const eds = typeUrlOf('ClusterLoadAssignment');
const named = (name: string, content = '') => encodedFrom(cds, name, Buffer.from(content));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('an encoded resource', () => {
  it('is framed as clients read it, in both protocols', () => {
    const message = edsCluster('a');
    const resource = snapshotOf(resourcesOf({ clusters: [message] }))
      .get(cds)
      ?.resources.get('a');
    const any = { '@type': cds, ...message };
    expect(decode('envoy.service.discovery.v3.DiscoveryResponse', resource?.sotw ?? Buffer.alloc(0))).toEqual({ resources: [any] });
    expect(decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', resource?.delta ?? Buffer.alloc(0))).toEqual({
      resources: [{ name: 'a', version: resource?.version, resource: any }],
    });
  });

  it('is held once: what SotW sends is the end of what Delta sends', () => {
    const { sotw, delta } = named('a', 'content');
    expect(sotw.buffer).toBe(delta.buffer);
  });

  it('has a version that depends on its content alone', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(named('a', one).version === named('b', other).version).toBe(one === other);
      }),
    );
  });

  it('is framed right at every length', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), fc.nat({ max: 70_000 }), (name, length) => {
        const { delta, sotw } = encodedFrom('type.googleapis.com/google.protobuf.BytesValue', name, Buffer.alloc(length));
        expect(delta.subarray(-sotw.length).equals(sotw)).toBe(true);
        expect(delta.length).toBeGreaterThan(length + name.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a snapshot', () => {
  it('of the same resources is the same snapshot', () => {
    const resources = resourcesOf({ clusters: [edsCluster('a')], endpoints: [assignment('a', 80)] });
    const first = snapshotOf(resources);
    expect(snapshotOf({ ...resources }, first)).toBe(first);
  });

  it('built anew from equal content has equal versions, and keeps the bytes it has', () => {
    const build = () => resourcesOf({ clusters: [edsCluster('a'), edsCluster('b')] });
    const first = snapshotOf(build());
    expect(snapshotOf(build(), first)).toBe(first);
    expect(snapshotOf(build()).get(cds)?.version).toBe(first.get(cds)?.version);
  });

  it('shares an unchanged resource object between generations and Gateways, encoded once', () => {
    const resources = resourcesOf({ clusters: [edsCluster('a')] });
    const other = { ...resourcesOf({ clusters: [edsCluster('b')] }), Cluster: resources.Cluster };
    expect(snapshotOf(other).get(cds)?.resources.get('a')).toBe(snapshotOf(resources).get(cds)?.resources.get('a'));
  });

  it('leaves types alone that did not change', () => {
    const resources = resourcesOf({ clusters: [edsCluster('a')], endpoints: [assignment('a', 80)] });
    const first = snapshotOf(resources);
    const second = snapshotOf(
      { ...resources, ClusterLoadAssignment: resourcesOf({ endpoints: [assignment('a', 81)] }).ClusterLoadAssignment },
      first,
    );
    expect(second.get(cds)).toBe(first.get(cds));
    expect(second.get(eds)).not.toBe(first.get(eds));
  });

  it('has an empty assignment for each EDS cluster that has none, and for no other cluster', () => {
    const resources = resourcesOf({
      clusters: [edsCluster('a'), edsCluster('b'), { name: 'c', type: 'STATIC' }],
      endpoints: [assignment('a', 80)],
    });
    const first = snapshotOf(resources);
    expect([...(first.get(eds)?.resources.keys() ?? [])].toSorted()).toEqual(['a', 'b']);
    expect(snapshotOf({ ...resources, Secret: new Map() }, first).get(eds)).toBe(first.get(eds));
  });

  it('waits with a cluster for the endpoints under their own name', () => {
    const cluster = { ...edsCluster('a'), edsClusterConfig: { serviceName: 'service', edsConfig: { ads: {} } } };
    expect(
      snapshotOf(resourcesOf({ clusters: [cluster] }))
        .get(cds)
        ?.resources.get('a'),
    ).toMatchObject({ warms: 'service' });
  });

  it('leaves a cluster alone that waits for its endpoints for a while only, and so keeps those it has', () => {
    const cluster = edsCluster('a');
    const patient = {
      ...cluster,
      edsClusterConfig: { edsConfig: { ...cluster.edsClusterConfig?.edsConfig, initialFetchTimeout: '5s' } },
    } as const;
    const assignments = (one: typeof cluster) => [
      ...(snapshotOf(resourcesOf({ clusters: [one] }))
        .get(typeUrlOf('ClusterLoadAssignment'))
        ?.resources.keys() ?? []),
    ];
    expect([assignments(patient), assignments(cluster)]).toEqual([[], ['a']]);
  });

  it('encodes a resource that is there in parts as well when somebody asks, and holds no snapshot before it for that', async () => {
    const generation = (content: string) => {
      const part = { name: 'whole/0', message: { name: 'whole/0', virtualHosts: [{ name: content }] }, owners: [] };
      const whole = { name: 'whole', parts: [part], message: { name: 'whole', virtualHosts: [{ name: content }] }, owners: [] };
      return {
        ...resourcesOf({}),
        RouteConfiguration: new Map([
          ['whole', whole],
          ['whole/0', part],
        ]),
      };
    };
    const rds = typeUrlOf('RouteConfiguration');
    let first: ReturnType<typeof snapshotOf> | undefined = snapshotOf(generation('1'));
    const held = new WeakRef(first);
    const second = snapshotOf(generation('2'), first);
    expect(second.get(rds)?.resources.get('whole')?.version).not.toBe(first.get(rds)?.resources.get('whole')?.version);
    expect(snapshotOf(generation('2'), second)).toBe(second);
    expect(snapshotOf(generation('2')).get(rds)?.version).toBe(second.get(rds)?.version);
    first = undefined;
    await nextTurn();
    collectGarbage();
    expect(held.deref()).toBe(undefined);
    expect(second.get(rds)?.resources.get('whole')?.sotw.includes('2')).toBe(true);
  });

  it('has a version that does not depend on the order of its resources', () => {
    const [a, b] = [named('a'), named('b')];
    expect(snapshotFrom(new Map([[cds, [a, b]]])).get(cds)?.version).toBe(snapshotFrom(new Map([[cds, [b, a]]])).get(cds)?.version);
  });
});

describe('a change', () => {
  const contents = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'));
  const typeOf = (content: Record<string, string>) =>
    typeSnapshotFrom(
      cds,
      Object.entries(content).map(([name, text]) => named(name, text)),
    );

  it('applied to what a client holds gives what the server holds', () => {
    fc.assert(
      fc.property(contents, contents, (before, after) => {
        const [from, to] = [typeOf(before), typeOf(after)];
        const { changed, removed } = changeBetween(from, to);
        const held = new Map([...from.resources].map(([name, { version }]) => [name, version]));
        for (const { name, version } of changed) held.set(name, version);
        for (const name of removed) held.delete(name);
        expect(held).toEqual(new Map([...to.resources].map(([name, { version }]) => [name, version])));
        expect(changed.every(({ name, version }) => from.resources.get(name)?.version !== version)).toBe(true);
      }),
    );
  });

  it('is computed once for all who ask', () => {
    const [from, to] = [typeOf({ a: '1' }), typeOf({ a: '2' })];
    expect(changeBetween(from, to)).toBe(changeBetween(from, to));
  });
});

describe('a history', () => {
  it('finds the last generations by version, and forgets the older', () => {
    const history = new History();
    const generations = Array.from({ length: 20 }, (_, index) => snapshotFrom(new Map([[cds, [named('a', String(index))]]])));
    for (const generation of generations) history.push(generation);
    expect(history.find(cds, generations[19]?.get(cds)?.version ?? '')).toBe(generations[19]?.get(cds));
    expect(history.find(cds, generations[16]?.get(cds)?.version ?? '')).toBe(generations[16]?.get(cds));
    expect(history.find(cds, generations[15]?.get(cds)?.version ?? '')).toBeUndefined();
  });
});
