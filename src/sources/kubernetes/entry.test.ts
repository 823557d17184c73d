import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kubernetes/kube-object.ts';
import { type Entry, entryFrom } from './entry.ts';

const route = (metadata: object, spec: object, status?: object): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'web', uid: 'u', ...metadata },
  spec,
  ...(status !== undefined && { status }),
});
const take = (raw: KubeObject, before?: Entry): Entry => entryFrom(raw.kind as 'HTTPRoute', raw, before);
const spec = { hostnames: ['a.example'] };
const first = take(route({ resourceVersion: '1', generation: 1 }, spec));

describe('an entry', () => {
  it('is the same for the same version', () => {
    expect(take(route({ resourceVersion: '1', generation: 1 }, spec), first)).toBe(first);
  });

  it('keeps its object over writes of status, finalizers and owners, and shows the status as it stands', () => {
    const status = { parents: [{ controllerName: 'somebody' }] };
    const after = take(route({ resourceVersion: '2', generation: 1, finalizers: ['a/b'] }, spec, status), first);
    expect(after.object).toBe(first.object);
    expect(after).toMatchObject({ key: 'HTTPRoute/web/shop', uid: 'u', resourceVersion: '2', generation: 1, status });
  });

  it.each([
    ['spec', route({ resourceVersion: '2', generation: 2 }, { hostnames: ['b.example'] })],
    ['labels', route({ resourceVersion: '2', generation: 1, labels: { a: 'b' } }, spec)],
    ['annotations', route({ resourceVersion: '2', generation: 1, annotations: { a: 'b' } }, spec)],
    ['deletion', route({ resourceVersion: '2', generation: 1, deletionTimestamp: '2026-01-01T00:00:00Z' }, spec)],
  ])('has a new object after a change of %s', (_, raw) => {
    expect(take(raw, first).object).not.toBe(first.object);
  });

  it('keeps its object where the API server counts a generation for what means the same', () => {
    const defaulted = { hostnames: ['a.example'], rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }] };
    const before = take(route({ resourceVersion: '1' }, spec));
    expect(take(route({ resourceVersion: '2' }, defaulted), before).object).toBe(before.object);
  });

  it('that turns invalid keeps its last good object and says what is wrong, until it is good again', () => {
    const invalid = take(route({ resourceVersion: '2', generation: 2 }, { hostnames: ['NOT a host'] }), first);
    expect(invalid.object).toBe(first.object);
    expect(invalid.problems).toEqual([
      { severity: 'error', object: 'HTTPRoute/web/shop', reason: expect.stringContaining('spec.hostnames[0]') },
    ]);
    const good = take(route({ resourceVersion: '3', generation: 3 }, { hostnames: ['c.example'] }), invalid);
    expect(good).toMatchObject({ problems: [], object: { spec: { hostnames: ['c.example'] } } });
  });

  it('that was never valid has no object', () => {
    expect(take(route({ resourceVersion: '1' }, { hostnames: 7 })).object).toBeUndefined();
  });

  it('of an object deleted and made again has nothing of the former one', () => {
    expect(take(route({ uid: 'v', resourceVersion: '2' }, { hostnames: 7 }), first).object).toBeUndefined();
    expect(take(route({ uid: 'v', resourceVersion: '2', generation: 1 }, spec), first).object).not.toBe(first.object);
  });

  it('of an EndpointSlice holds where endpoints are and how they are, and does not change with anything else', () => {
    const slice = (resourceVersion: string, pod: string, ready: boolean): KubeObject => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 's',
        namespace: 'web',
        uid: 'u',
        resourceVersion,
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': pod },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready }, zone: 'a', nodeName: 'n', targetRef: { kind: 'Pod', name: pod } }],
      ports: [{ name: '', port: 80, protocol: 'TCP' }],
    });
    const before = entryFrom('EndpointSlice', slice('1', 'one', true), undefined);
    expect(before.object).toMatchObject({ endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true }, zone: 'a' }] });
    expect(before.object).not.toHaveProperty('endpoints[0].targetRef');
    expect(entryFrom('EndpointSlice', slice('2', 'two', true), before).object).toBe(before.object);
    expect(entryFrom('EndpointSlice', slice('3', 'two', false), before).object).not.toBe(before.object);
    expect(entryFrom('EndpointSlice', { ...slice('4', 'x', true), endpoints: [7, null] }, before).problems.length).toBeGreaterThan(0);
  });

  it('of a Node changes with its addresses, not with its heartbeat', () => {
    const node = (resourceVersion: string, address: string, seen: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n', uid: 'u', resourceVersion },
      status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', lastHeartbeatTime: seen }] },
    });
    const before = entryFrom('Node', node('1', '10.0.0.1', 'now'), undefined);
    expect(before.object).toMatchObject({ status: { addresses: [{ address: '10.0.0.1' }] } });
    expect(entryFrom('Node', node('2', '10.0.0.1', 'later'), before).object).toBe(before.object);
    expect(entryFrom('Node', node('3', '10.0.0.2', 'later'), before).object).not.toBe(before.object);
  });
});
