import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/support/graph.ts';
import { graphOf as graphOfShared, observed, route, share } from '../../test/support/shared-gateway.ts';
import { noObservations, type Observations, type ObservedProxy } from '../api/observations.ts';
import type { ProxySet } from '../model/proxy-set.ts';
import { deviceOf, objectsOf, observationsOf, offline, stateOf, tailnetOf } from '../model/tailnets/fixtures.ts';
import type { Known } from './known.ts';
import { proxiesIn, servicesIn, tailnetsIn } from './tailnet-report.ts';

const health = { name: 'files', synced: true, lastRead: 0 };
const stateWith = (observations?: Known['state']['observations']): Known['state'] => ({
  objects: objectsOf(tailnetOf('prod'), tailnetOf('lab')),
  problems: [],
  health,
  ...(observations === undefined ? {} : { observations }),
});

const since = '2026-01-01T00:00:00Z';
const proxy = deviceOf('a-egress-0', '100.64.0.7');
const set: ProxySet = {
  owner: 'TailscaleEndpoints/default/a',
  namespace: 'default',
  name: 'a-egress',
  direction: 'egress',
  mode: 'connect',
  replicas: 2,
  tailnet: 'prod',
  controlURL: '',
  tags: ['tag:k8s'],
  hostnamePrefix: 'default-a-egress',
  pod: {},
  forwards: new Map(),
  gateways: [],
  services: new Map(),
  going: false,
};
const pod = (name: string, more: Partial<ObservedProxy> = {}): ObservedProxy => ({
  pod: name,
  ips: [],
  ready: false,
  joined: false,
  addresses: [],
  wantsKey: false,
  ...more,
});

describe('tailnets', () => {
  it('are told by name, with what is known of them and what ails them', () => {
    const trouble = { kind: 'unreachable', message: 'no answer', since, lasting: true } as const;
    const known = stateOf([deviceOf('db', '100.64.0.1'), offline(deviceOf('old', '100.64.0.2'))]);
    expect(tailnetsIn(stateWith(observationsOf([{ ...known, trouble }])))).toEqual([
      { name: 'lab', asked: true },
      {
        name: 'prod',
        asked: true,
        domain: 'tail1.ts.net',
        devices: { total: 2, connected: 1 },
        lastSync: since,
        trouble: { kind: 'unreachable', message: 'no answer', since },
      },
    ]);
  });

  it('are not asked where files alone are read', () => {
    expect(tailnetsIn(stateWith())).toEqual([
      { name: 'lab', asked: false },
      { name: 'prod', asked: false },
    ]);
  });
});

describe('proxies', () => {
  const known = (proxies: Parameters<typeof observationsOf>[1], ...sets: readonly ProxySet[]): Known => ({
    state: stateWith(observationsOf([stateOf([proxy])], proxies)),
    graph: { ...graphOf([]), proxySets: new Map(sets.map((one) => [`${one.namespace}/${one.name}`, one])) },
    resources: new Map(),
  });

  it('are told with their pods, and whether the tailnet sees these', () => {
    const joined = pod('a-egress-0', {
      ready: true,
      joined: true,
      nodeId: proxy.id,
      fqdn: 'a-egress-0.tail1.ts.net',
      addresses: ['100.64.0.7'],
    });
    const all = known({ 'default/a-egress': { desired: 2, ready: 1, pods: [joined, pod('a-egress-1')] } }, set);
    expect(proxiesIn(all)).toEqual([
      {
        namespace: 'default',
        name: 'a-egress',
        owner: 'TailscaleEndpoints/default/a',
        tailnet: 'prod',
        direction: 'egress',
        mode: 'connect',
        desired: 2,
        ready: 1,
        devices: [
          { pod: 'a-egress-0', ready: true, joined: true, name: 'a-egress-0.tail1.ts.net', address: '100.64.0.7', online: true },
          { pod: 'a-egress-1', ready: false, joined: false },
        ],
      },
    ]);
  });

  it('are told before they are there, and until they are gone', () => {
    const all = known({ 'default/former-egress': { desired: 1, ready: 1, pods: [] } }, set);
    expect(proxiesIn(all)).toMatchObject([
      { name: 'a-egress', desired: 2, ready: 0, trouble: 'the StatefulSet is not there yet' },
      { name: 'former-egress', desired: 1, ready: 1, trouble: 'on its way out: nobody wants it any more' },
    ]);
  });

  it('are told with what keeps them from being made', () => {
    const failure = { reason: 'KeyRefused', message: 'tag:k8s is not owned: see tagOwners' };
    const [one] = proxiesIn(known({ 'default/a-egress': { desired: 2, ready: 0, pods: [], failure } }, set));
    expect(one?.trouble).toBe('KeyRefused: tag:k8s is not owned: see tagOwners');
  });
});

it('services of tailnets are told with what the status of their owner says', () => {
  const web = share() + route('HTTPRoute', 'web', '', '', 'default', 'https');
  const reported = (observations: Observations | undefined) =>
    servicesIn({
      graph: graphOfShared(web, observations ?? noObservations),
      state: { objects: objectsOf(), problems: [], health, ...(observations === undefined ? {} : { observations }) },
    });
  const service = {
    name: 'svc:web',
    tailnet: 'prod',
    owner: 'TailscaleGateway/default/share',
    addresses: ['100.100.0.1'],
    consumers: ['east'],
  };
  const there = {
    addresses: ['100.100.0.1'],
    consumers: ['east'],
    failure: { reason: 'NotShared', message: 'svc:web belongs to somebody' },
  };
  expect(reported(observed({ 'prod/svc:web': there }))).toEqual([
    { ...service, ports: ['tcp:80', 'tcp:443'], trouble: 'NotShared: svc:web belongs to somebody' },
  ]);
  expect(reported(undefined)).toMatchObject([{ ...service, addresses: [], consumers: [] }]);
  expect(reported(undefined)[0]).not.toHaveProperty('trouble');
});
