import { describe, expect, it } from 'vitest';
import type { VipService } from '../../src/tailscale/answers.ts';
import { type Circumstances, type Decision, decideKeep, decideLeave, shortcomingOf } from './decide.ts';
import { addrs, calm, officialService, ownerReferencesOf, registryOf, selfOf, start, wishOf } from './fixtures.ts';
import { settleMs } from './times.ts';

const [east, west] = [selfOf('east'), selfOf('west')];

const put = (decision: Decision): VipService => {
  if (decision.do !== 'put') throw new Error(`expected a put, got ${JSON.stringify(decision)}`);
  return decision.service;
};
const made = (): VipService => ({ ...put(decideKeep(undefined, wishOf(), east, calm)), addrs });
/** As it is when it was looked at again. */
const settled = () => {
  const at = start + settleMs;
  expect(decideKeep(made(), wishOf(), east, { ...calm, now: at - 1 })).toEqual({ do: 'nothing' });
  return { service: put(decideKeep(made(), wishOf(), east, { ...calm, now: at })), at };
};
const shared = (): VipService => put(decideKeep(made(), wishOf({ routes: ['HTTPRoute/shop/web'] }), west, calm));
const conflict = (decision: Decision) => (decision.do === 'conflict' ? decision.verdict : decision);
const long: Circumstances = { ...calm, emptied: 'long' };

describe('decideKeep', () => {
  it('makes a service that does not exist, with a registry and a reference that others understand', () => {
    const service = put(decideKeep(undefined, wishOf({ comment: 'web of the shop' }), east, calm));
    expect(service).toEqual({
      name: 'svc:web',
      ports: ['tcp:443'],
      tags: ['tag:k8s'],
      comment: 'web of the shop',
      annotations: {
        'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"tailplane-east"}]}',
        'gateway.tailscale.com/service-registry': expect.any(String),
        'gateway.tailscale.com/owner-operator': 'tailplane-east',
        'gateway.tailscale.com/consumer-count': '1',
        'gateway.tailscale.com/last-updated': '2026-01-01T00:00:00Z',
        'gateway.tailscale.com/schema-version': 'v1',
      },
    });
    expect(registryOf(service)).toMatchObject({
      serviceName: 'svc:web',
      ownerOperator: 'tailplane-east',
      consumers: {
        east: { cluster: 'east', operator: 'tailplane-east', routes: ['HTTPRoute/default/web'], lastSeen: '2026-01-01T00:00:00Z' },
      },
      vipAddresses: [],
      lastUpdated: '2026-01-01T00:00:00Z',
    });
  });

  it('leaves alone what is as it should be', () => {
    const { service } = settled();
    expect(decideKeep(service, wishOf(), east, { ...calm, now: start + 3_600_000 })).toEqual({ do: 'nothing' });
  });

  it('writes down addresses when it looks again, and once more only when they change', () => {
    const { service, at } = settled();
    expect(registryOf(service)).toMatchObject({ vipAddresses: addrs });
    const circumstances = { ...calm, now: at + 60_000 };
    expect(decideKeep({ ...service, addrs: addrs.toReversed() }, wishOf(), east, circumstances)).toEqual({ do: 'nothing' });
    const moved = ['100.110.0.2', 'fd7a:115c:a1e0::f:1'];
    const next = put(decideKeep({ ...service, addrs: moved }, wishOf(), east, circumstances));
    expect(registryOf(next)).toMatchObject({ vipAddresses: moved });
    expect(decideKeep(next, wishOf(), east, circumstances)).toEqual({ do: 'nothing' });
  });

  it('joins another cluster, whose part stays', () => {
    const service = shared();
    expect(Object.keys(registryOf(service).consumers)).toEqual(['east', 'west']);
    expect(registryOf(service)).toMatchObject({ ownerOperator: 'tailplane-east', vipAddresses: addrs });
    expect(ownerReferencesOf(service)).toBe('{"ownerRefs":[{"operatorID":"tailplane-east"},{"operatorID":"tailplane-west"}]}');
    expect(service.annotations?.['gateway.tailscale.com/consumer-count']).toBe('2');
    expect(service.addrs).toEqual(addrs);
  });

  it('joins an operator of Tailscale’s, and takes its ports, tags, comment and everything else as they are', () => {
    const before = officialService({ futureMember: { deep: [1] } });
    const { annotations, ...fields } = put(decideKeep(before, wishOf({ comment: 'ours' }), east, calm));
    const { annotations: _, ...same } = before;
    expect(fields).toEqual(same);
    expect(annotations).toMatchObject({
      'example.com/theirs': 'stays',
      'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"n1CNTRL"},{"operatorID":"tailplane-east"}]}',
      'gateway.tailscale.com/owner-operator': 'n1CNTRL',
    });
  });

  it('keeps what it does not know in references and registry', () => {
    const service = made();
    const registry = { ...registryOf(service), later: true };
    registry.consumers['north'] = { cluster: 'north', operator: 'tailplane-north', routes: [], lastSeen: 'x', weight: 3 };
    const annotations = {
      ...service.annotations,
      'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"n1","note":"x"},{"operatorID":"tailplane-east"}]}',
      'gateway.tailscale.com/service-registry': JSON.stringify(registry),
    };
    const next = put(decideKeep({ ...service, annotations }, wishOf(), west, calm));
    expect(registryOf(next)).toMatchObject({ later: true, consumers: { north: { weight: 3 } } });
    expect(ownerReferencesOf(next)).toContain('{"operatorID":"n1","note":"x"}');
  });

  it('has ports, tags and comment changed while nobody else uses the service', () => {
    const service = put(decideKeep(made(), wishOf({ ports: ['tcp:22', 'tcp:443'], tags: ['tag:new'], comment: 'new' }), east, calm));
    expect(service).toMatchObject({ ports: ['tcp:22', 'tcp:443'], tags: ['tag:new'], comment: 'new' });
  });

  it('changes ports once all clusters want the same, not before, and never those of other operators', () => {
    const wish = wishOf({ ports: ['tcp:22', 'tcp:443'] });
    const asked = put(decideKeep(shared(), wish, east, calm));
    expect(asked.ports).toEqual(['tcp:443']);
    expect(shortcomingOf(asked, wish, east)).toEqual({
      reason: 'PortsDiffer',
      message:
        'svc:web is shared with cluster west, and has ports tcp:443, without tcp:22. Ask for the same ports there, or use another name',
    });
    const agreed = put(decideKeep(asked, wish, west, calm));
    expect(agreed.ports).toEqual(['tcp:22', 'tcp:443']);
    expect(decideKeep(agreed, { ...wish, routes: ['HTTPRoute/default/web'] }, east, calm)).toEqual({ do: 'nothing' });
    const theirs = put(decideKeep(officialService(), wish, east, calm));
    expect(theirs.tags).toEqual(['tag:theirs']);
    expect(shortcomingOf(theirs, wish, east)?.message).toContain('is shared with operator n1CNTRL, and has tags tag:theirs');
  });

  it('lets itself be heard of when it is time to', () => {
    const later = put(decideKeep(made(), wishOf(), east, { ...calm, now: start + 720_000, beats: true }));
    expect(registryOf(later).consumers).toMatchObject({ east: { lastSeen: '2026-01-01T00:12:00Z' } });
  });

  it('counts out clusters that are gone, with their references, and takes over what they made', () => {
    const service = put(decideKeep(shared(), wishOf(), west, { ...calm, stale: new Set(['tailplane-east']) }));
    expect(Object.keys(registryOf(service).consumers)).toEqual(['west']);
    expect(registryOf(service)['ownerOperator']).toBe('tailplane-west');
    expect(ownerReferencesOf(service)).toBe('{"ownerRefs":[{"operatorID":"tailplane-west"}]}');
  });

  it('never takes away a reference that is no tailplane’s, whatever a registry says', () => {
    const service = put(decideKeep(officialService(), wishOf(), east, calm));
    const registry = registryOf(service);
    registry.consumers['north'] = { cluster: 'north', operator: 'n1CNTRL', routes: [], lastSeen: 'x' };
    const annotations = { ...service.annotations, 'gateway.tailscale.com/service-registry': JSON.stringify(registry) };
    const next = put(decideKeep({ ...service, annotations }, wishOf(), east, { ...calm, stale: new Set(['n1CNTRL']) }));
    expect(ownerReferencesOf(next)).toContain('n1CNTRL');
  });

  it('moves in where everybody has just left', () => {
    const empty = put(decideLeave(made(), east, calm));
    const service = put(decideKeep(empty, wishOf(), west, calm));
    expect(registryOf(service)).not.toHaveProperty('emptied');
    expect(ownerReferencesOf(service)).toBe('{"ownerRefs":[{"operatorID":"tailplane-west"}]}');
  });

  it.each([
    ['no owner references', {}, 'NotShared', 'shares it with nobody'],
    ['references of nobody', { 'tailscale.com/owner-references': '{"ownerRefs":[]}' }, 'NotShared', 'shares it with nobody'],
    [
      'references that are garbage',
      { 'tailscale.com/owner-references': '{"ownerRefs":"no"}' },
      'OwnerUnknown',
      'ownerRefs are not understood',
    ],
    ['references that are no JSON', { 'tailscale.com/owner-references': 'n1CNTRL' }, 'OwnerUnknown', 'it is not JSON'],
    [
      'an owner that shares with nobody',
      { 'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"n2","resource":{"kind":"ProxyGroup","name":"kube"}}]}' },
      'NotShared',
      'ProxyGroup kube of operator n2',
    ],
  ])('leaves a service with %s alone', (_, annotations, reason, words) => {
    const service = officialService({ annotations });
    expect(conflict(decideKeep(service, wishOf(), east, calm))).toEqual({ reason, message: expect.stringContaining(words) });
    expect(decideLeave(service, east, { ...calm, emptied: 'abandoned' }).do).toBe('conflict');
  });

  it.each([
    ['not JSON', 'svc', 'RegistryInvalid'],
    ['a list', '[]', 'RegistryInvalid'],
    ['without consumers that can be read', '{"consumers":{"east":{"cluster":7}}}', 'RegistryInvalid'],
    ['with consumers that are none', '{"consumers":[]}', 'RegistryInvalid'],
  ])('never writes over a registry that is %s', (_, text, reason) => {
    const service = made();
    const broken = { ...service, annotations: { ...service.annotations, 'gateway.tailscale.com/service-registry': text } };
    expect(conflict(decideKeep(broken, wishOf(), east, calm))).toMatchObject({ reason });
    expect(conflict(decideLeave(broken, east, { ...calm, emptied: 'abandoned' }))).toMatchObject({ reason });
  });

  it('never writes over a registry of a schema to come', () => {
    const service = made();
    const newer = { ...service, annotations: { ...service.annotations, 'gateway.tailscale.com/schema-version': 'v2' } };
    expect(conflict(decideKeep(newer, wishOf(), east, calm))).toEqual({
      reason: 'RegistryNewer',
      message: 'svc:web: its registry has schema version "v2", and this tailplane knows v1: it is left as it is; update tailplane',
    });
    expect(decideLeave(newer, east, long).do).toBe('conflict');
  });

  it('tells a cluster that has the name of another one', () => {
    const stranger = { cluster: 'east', operator: 'tailplane-elsewhere' };
    expect(conflict(decideKeep(made(), wishOf(), stranger, calm))).toMatchObject({ reason: 'ClusterNameTaken' });
  });
});

describe('decideLeave', () => {
  it('takes out our part, and leaves that of others', () => {
    const service = put(decideLeave(shared(), east, calm));
    expect(Object.keys(registryOf(service).consumers)).toEqual(['west']);
    expect(registryOf(service)['ownerOperator']).toBe('tailplane-west');
    expect(ownerReferencesOf(service)).toBe('{"ownerRefs":[{"operatorID":"tailplane-west"}]}');
    expect(decideLeave(service, east, calm)).toEqual({ do: 'nothing' });
  });

  it('leaves a service of other operators as it was before us', () => {
    const before = officialService();
    expect(decideLeave(put(decideKeep(before, wishOf(), east, calm)), east, calm)).toEqual({ do: 'put', service: before });
  });

  it('marks what nobody uses any more as empty, and deletes it a while later', () => {
    const empty = put(decideLeave(made(), east, calm));
    expect(registryOf(empty)).toMatchObject({ consumers: {}, emptied: { by: 'tailplane-east', at: '2026-01-01T00:00:00.000Z' } });
    expect(ownerReferencesOf(empty)).toBe('{"ownerRefs":[{"operatorID":"tailplane-east"}]}');
    expect(decideLeave(empty, east, calm)).toEqual({ do: 'nothing' });
    expect(decideLeave(empty, east, long)).toEqual({ do: 'delete' });
  });

  it('does not delete what an operator of Tailscale’s joined meanwhile', () => {
    const empty = put(decideLeave(made(), east, calm));
    const refs = '{"ownerRefs":[{"operatorID":"tailplane-east"},{"operatorID":"n1CNTRL"}]}';
    const joined = { ...empty, annotations: { ...empty.annotations, 'tailscale.com/owner-references': refs } };
    const next = put(decideLeave(joined, east, long));
    expect(next.annotations).toEqual({ 'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"n1CNTRL"}]}' });
  });

  it('clears away what somebody else has left for good, and what nobody finished', () => {
    const gone = put(decideLeave(made(), west, { ...calm, stale: new Set(['tailplane-east']) }));
    expect(registryOf(gone)).toMatchObject({ consumers: {}, emptied: { by: 'tailplane-west' } });
    expect(decideLeave(gone, east, long)).toEqual({ do: 'nothing' });
    expect(decideLeave(gone, east, { ...calm, emptied: 'abandoned' })).toEqual({ do: 'delete' });
  });

  it('does not touch what others use', () => {
    expect(decideLeave(shared(), selfOf('north'), { ...calm, stale: new Set(['tailplane-east']) })).toEqual({ do: 'nothing' });
    expect(decideLeave(officialService(), west, long)).toEqual({ do: 'nothing' });
    expect(decideLeave(undefined, west, long)).toEqual({ do: 'nothing' });
  });
});
