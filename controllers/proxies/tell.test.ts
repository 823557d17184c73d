import { BehaviorSubject, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ObservedProxies } from '../../src/api/observations.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { proxySetFor } from './fixtures.ts';
import { groupFrom } from './group.ts';
import { objectsFor } from './objects/objects-for.ts';
import { configSecretFrom, stateSecretFrom } from './objects/secrets.ts';
import type { ProxyWorld } from './observe.ts';
import { tellOf } from './tell.ts';

const set = proxySetFor({ mode: 'forward', replicas: 1 });
const uid = set.uid ?? '';
const key = 'shop/db-egress';

const pod = (more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'db-egress-0', namespace: 'shop', uid: 'POD' },
  status: {
    podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
    startTime: '1970-01-01T00:01:00Z',
    conditions: [{ type: 'Ready', status: 'True' }],
    ...more,
  },
});

const state = (keys: Readonly<Record<string, string>> = {}): KubeObject => ({
  ...stateSecretFrom(set, uid, 0),
  data: Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
});

const forwards = (podIPv4: string, targetPort = 5432): string =>
  JSON.stringify({ podIPv4, services: { db: { ports: [{ protocol: 'TCP', matchPort: 10_001, targetPort }] } } });
const joined = { pod_uid: 'pod', device_id: 'n1', device_fqdn: 'db.tail1.ts.net.', device_ips: '["100.64.0.1"]' };

const worldOf = (...members: readonly KubeObject[]): ProxyWorld => {
  const of = (...kinds: readonly string[]): readonly KubeObject[] => members.filter(({ kind }) => kinds.includes(kind));
  const group = groupFrom(
    { namespace: 'shop', name: 'db-egress' },
    { objects: of('StatefulSet', 'ConfigMap'), secrets: of('Secret'), pods: of('Pod') },
  );
  return { groups: new Map([[key, group]]), owners: new Map(), failures: [] };
};

const tellingOf = (world: ProxyWorld) => {
  const scheduler = new VirtualTimeScheduler();
  const world$ = new BehaviorSubject(world);
  const sets$ = new BehaviorSubject<ReadonlyMap<string, ProxySet>>(new Map([[key, set]]));
  const failures$ = new BehaviorSubject<ReadonlyMap<string, Verdict>>(new Map());
  const told: (ObservedProxies | undefined)[] = [];
  const subscription = tellOf({ world$, sets$, failures$, scheduler }).subscribe((all) => told.push(all.get(key)));
  const at = (ms: number): void => {
    scheduler.maxFrames = ms;
    scheduler.flush();
  };
  return { world$, sets$, failures$, told, at, last: () => told.at(-1), stop: () => subscription.unsubscribe() };
};

const statefulSet = (): KubeObject => {
  const object = objectsFor(set, {}).find(({ kind }) => kind === 'StatefulSet');
  if (object === undefined) throw new Error('unreachable: no StatefulSet');
  return { ...object, status: { readyReplicas: 1 } };
};

describe('tellOf', () => {
  it('tells of a proxy what its pod and its state say', () => {
    const { last } = tellingOf(worldOf(statefulSet(), pod(), state({ ...joined, 'egress-services': forwards('10.0.0.1') })));
    expect(last()).toEqual({
      desired: 1,
      ready: 1,
      pods: [
        {
          pod: 'db-egress-0',
          ips: ['10.0.0.1', 'fd00::1'],
          ready: true,
          joined: true,
          nodeId: 'n1',
          fqdn: 'db.tail1.ts.net',
          addresses: ['100.64.0.1'],
          forwards: new Map([['db', [{ protocol: 'TCP', matchPort: 10_001, targetPort: 5432 }]]]),
          wantsKey: false,
        },
      ],
    });
  });

  it('does not take the word of a former pod: neither that it is in the tailnet, nor what it forwards', () => {
    const former = { ...joined, pod_uid: 'former', 'egress-services': forwards('10.0.0.9') };
    const [proxy] = tellingOf(worldOf(pod(), state(former))).last()?.pods ?? [];
    expect(proxy).toMatchObject({ joined: false, nodeId: 'n1' });
    expect(proxy?.forwards).toBeUndefined();
  });

  it('tells nothing anew when nothing changes in meaning, and does when only what is forwarded does', () => {
    const { world$, told } = tellingOf(worldOf(pod(), state({ ...joined, 'egress-services': forwards('10.0.0.1') })));
    world$.next(worldOf(pod({ phase: 'Running' }), state({ ...joined, 'egress-services': forwards('10.0.0.1') })));
    expect(told).toHaveLength(1);
    world$.next(worldOf(pod(), state({ ...joined, 'egress-services': forwards('10.0.0.1', 5433) })));
    expect(told).toHaveLength(2);
  });

  it('says of a proxy that never logs in that it does not, once it has had its time, and no longer when it does', () => {
    const { world$, at, last, stop } = tellingOf(worldOf(pod(), state({ pod_uid: 'POD' })));
    at(239_000);
    expect(last()?.failure).toBeUndefined();
    at(240_000);
    expect(last()?.failure).toMatchObject({ reason: 'NeverLoggedIn' });
    world$.next(worldOf(pod(), state(joined)));
    expect(last()?.failure).toBeUndefined();
    stop();
  });

  it('tells what ingress proxies are to serve and to advertise', () => {
    const ingress = proxySetFor({ direction: 'ingress', replicas: 1 });
    const serve = new Map([['svc:web', new Map([[443, { host: 'edge.infra.svc', port: 20_001, proxyProtocol: true }]])]]);
    const members = [
      ...objectsFor(ingress, { serve }).filter(({ kind }) => kind === 'ConfigMap'),
      configSecretFrom(ingress, uid, { ordinal: 0, advertise: ['svc:web', 'svc:db'] }),
      pod(),
    ];
    const { last } = tellingOf(worldOf(...members));
    expect(last()?.served).toEqual(new Map([['svc:web', new Map([[443, 20_001]])]]));
    expect(last()?.pods[0]?.advertised).toEqual(['svc:db', 'svc:web']);
  });

  it('tells what hinders whoever makes them, before anything of its own, and of a set of which there is nothing yet', () => {
    const { failures$, world$, sets$, at, last, told, stop } = tellingOf(worldOf(pod(), state({ pod_uid: 'POD' })));
    failures$.next(new Map([[key, { reason: 'Billing', message: 'm' }]]));
    at(300_000);
    expect(last()?.failure).toEqual({ reason: 'Billing', message: 'm' });
    world$.next({ groups: new Map(), owners: new Map(), failures: [] });
    expect(last()).toEqual({ desired: 1, ready: 0, pods: [], failure: { reason: 'Billing', message: 'm' } });
    sets$.next(new Map());
    expect(told.at(-1)).toBeUndefined();
    stop();
  });
});
