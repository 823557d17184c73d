import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatewayOf, listenerOf, socketOf } from '../../test/support/graph.ts';
import type { Device, KnownTailnet, TailnetState } from '../api/observations.ts';
import type { Gateway, Peer } from './graph.ts';
import { peersBuilder } from './peers.ts';
import { deviceOf } from './tailnets/fixtures.ts';

const entrances = (...tailnets: readonly string[]): ReadonlyMap<string, Gateway> => {
  const sockets = tailnets.map((tailnet, index) => ({
    ...socketOf(20_000 + index, listenerOf('shared')),
    tailnet: { tailnet, service: 'svc:web' },
  }));
  return new Map([['default/edge', gatewayOf({ sockets: [socketOf(80, listenerOf('http')), ...sockets] })]]);
};
const gateways = entrances('prod');

const stateOf = (devices: readonly Device[], more: Partial<KnownTailnet> = {}, trouble?: TailnetState['trouble']): TailnetState => ({
  name: 'prod',
  known: {
    devices: new Map(devices.map((device) => [device.id, device])),
    services: new Map(),
    lastSync: '2026-01-01T00:00:00Z',
    ...more,
  },
  ...(trouble && { trouble }),
});

const ann = deviceOf('ann', '100.64.0.1', {
  addresses: ['100.64.0.1', 'fd7a:115c:a1e0:0:0:0:0:1'],
  user: 'Ann@example.com',
  tags: [],
});
const ci = deviceOf('ci', '100.64.0.2', { user: '', tags: ['tag:ci'] });

const peersOf = (state: TailnetState, name = 'prod') => peersBuilder()(gateways, new Map([['prod', state]])).get(name)?.byNode;
const peerOf = (device: Device, more: Partial<KnownTailnet> = {}): Peer | undefined => peersOf(stateOf([device], more))?.get(device.id);

describe('a peer', () => {
  it('is known by both of its addresses, as Envoy writes them', () => {
    expect(peerOf(ann)?.addresses).toEqual(['100.64.0.1', 'fd7a:115c:a1e0::1']);
  });

  it('has its user, with groups and a name in whichever case the login is written', () => {
    const groups = new Map([
      ['group:ops', ['ann@example.com']],
      ['group:dev', ['ann@example.com', 'bob@example.com']],
      ['group:none', []],
    ]);
    expect(peerOf(ann, { groups, displayNames: new Map([['ann@example.com', 'Ann']]) })).toMatchObject({
      user: 'Ann@example.com',
      displayName: 'Ann',
      groups: ['autogroup:member', 'group:dev', 'group:ops'],
      tags: [],
    });
  });

  it('has no user, but tags, where it is tagged', () => {
    expect(peerOf(ci)).toMatchObject({ user: '', displayName: '', tags: ['tag:ci'], groups: ['autogroup:tagged'] });
  });

  it('that is shared in has its user, but no tags and no name of this tailnet', () => {
    const groups = new Map([['group:dev', ['ann@example.com']]]);
    const peer = peerOf({ ...ann, external: true, fqdn: 'ci.other.ts.net' }, { groups });
    expect(peer).toMatchObject({ user: 'Ann@example.com', groups: ['autogroup:shared', 'group:dev'], tags: [], external: true });
    expect(peerOf({ ...ci, external: true })).toMatchObject({ user: '', tags: [], groups: [] });
  });

  it('may be offline, but not expired or unauthorized', () => {
    expect(peerOf({ ...ann, connected: false, usable: false })).toBeDefined();
    expect(peerOf({ ...ann, expired: true })).toBeUndefined();
    expect(peerOf({ ...ann, authorized: false })).toBeUndefined();
  });
});

it('an address that two machines have is nobody’s', () => {
  const other = deviceOf('other', '100.64.0.1', { user: 'eve@example.com', tags: [] });
  const peers = peersOf(stateOf([ann, other]));
  expect([...(peers?.values() ?? [])].map(({ node, addresses }) => [node, addresses])).toEqual([[ann.fqdn, ['fd7a:115c:a1e0::1']]]);
});

describe('nobody is known', () => {
  it('in a tailnet that was not heard of, or too long ago', () => {
    const trouble = { kind: 'unreachable', message: '', since: '2026-01-01T00:00:00Z' } as const;
    expect(peersBuilder()(gateways, new Map()).get('prod')?.byNode.size).toBe(0);
    expect(peersOf(stateOf([ann], {}, trouble))?.size).toBe(1);
    expect(peersOf(stateOf([ann], {}, { ...trouble, anonymous: true }))?.size).toBe(0);
  });

  it('where no Gateway has an entrance', () => {
    expect(peersBuilder()(entrances(), new Map([['prod', stateOf([ann])]])).size).toBe(0);
  });
});

describe('a rebuild', () => {
  it('gives the same objects while nothing of people changes', () => {
    const build = peersBuilder();
    const before = build(gateways, new Map([['prod', stateOf([ann, ci])]]));
    expect(build(gateways, new Map([['prod', stateOf([ann, ci], { lastSync: '2026-01-01T00:05:00Z' })]]))).toBe(before);
    const moved = { ...ann, connected: false, usable: false, lastSeen: '2026-01-01T00:00:00Z' };
    expect(build(entrances('prod'), new Map([['prod', stateOf([moved, ci])]]))).toBe(before);
  });

  it('gives what a first build gives, and the same objects for machines that did not change', () => {
    const device = fc.record({
      id: fc.constantFrom('n1', 'n2', 'n3'),
      address: fc.constantFrom('100.64.0.1', '100.64.0.2', '100.64.0.3'),
      tags: fc.constantFrom<string[]>([], ['tag:a'], ['tag:a', 'tag:b']),
      expired: fc.boolean(),
    });
    const worlds = fc.array(fc.uniqueArray(device, { selector: ({ id }) => id }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(worlds, (states) => {
        const build = peersBuilder();
        for (const state of states) {
          const devices = state.map(({ id, address, tags, expired }) =>
            deviceOf(id, address, { id, tags, expired, user: tags[0] ? '' : 'ann' }),
          );
          const tailnets = new Map([['prod', stateOf(devices)]]);
          const before = build(gateways, tailnets);
          expect(build(gateways, tailnets)).toBe(before);
          expect(before).toEqual(peersBuilder()(gateways, tailnets));
        }
      }),
    );
  });

  it('changes one peer for one machine', () => {
    const build = peersBuilder();
    const before = build(gateways, new Map([['prod', stateOf([ann, ci])]])).get('prod');
    const after = build(gateways, new Map([['prod', stateOf([ann, { ...ci, tags: ['tag:web'] }])]])).get('prod');
    expect(after?.byNode.get(ann.id)).toBe(before?.byNode.get(ann.id));
    expect(after?.byNode.get(ci.id)?.tags).toEqual(['tag:web']);
  });
});
