import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { configSecretFrom } from './objects/secrets.ts';
import { proxySetFor } from './fixtures.ts';
import { configIn, keyNeedOf, type ReplicaConfig, type ReplicaState, stateIn } from './replica.ts';

const secret = (keys: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db-egress-0' },
  data: Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
});

describe('stateIn', () => {
  it('reads what containerboot writes, the name with and without its dot', () => {
    const keys = { device_id: 'n1CNTRL', device_ips: '["100.64.0.1","fd7a::1"]', pod_uid: 'u', reissue_authkey: 'tskey' };
    for (const device_fqdn of ['db.tail1.ts.net.', 'db.tail1.ts.net'])
      expect(stateIn(secret({ ...keys, device_fqdn }))).toEqual({
        deviceId: 'n1CNTRL',
        nodeIds: ['n1CNTRL'],
        fqdn: 'db.tail1.ts.net',
        addresses: ['100.64.0.1', 'fd7a::1'],
        podUid: 'u',
        refusedKey: 'tskey',
      });
  });

  it('knows a device that has logged in a moment ago by its profile, and one twice named once', () => {
    const profile = JSON.stringify({ Config: { NodeID: 'n2CNTRL' } });
    expect(stateIn(secret({ 'profile-ab12': profile })).nodeIds).toEqual(['n2CNTRL']);
    expect(stateIn(secret({ 'profile-ab12': profile, device_id: 'n2CNTRL' })).nodeIds).toEqual(['n2CNTRL']);
    expect(stateIn(secret({ 'profile-ab12': profile, device_id: 'n1CNTRL' })).nodeIds).toEqual(['n1CNTRL', 'n2CNTRL']);
  });

  it('reads what a proxy forwards', () => {
    const services = { db: { ports: [{ protocol: 'TCP', matchPort: 10_001, targetPort: 5432 }, 'x'] }, none: { ports: null } };
    const { egress } = stateIn(secret({ 'egress-services': JSON.stringify({ podIPv4: '10.0.0.1', podIPv6: '', services }) }));
    expect(egress?.podIPs).toEqual(['10.0.0.1']);
    expect([...(egress?.forwards ?? [])]).toEqual([
      ['db', [{ protocol: 'TCP', matchPort: 10_001, targetPort: 5432 }]],
      ['none', []],
    ]);
  });

  it('never fails, whatever the Secret holds', () => {
    const names = fc.constantFrom('device_id', 'device_fqdn', 'device_ips', 'pod_uid', 'egress-services', 'profile-1', 'reissue_authkey');
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(fc.string(), fc.json())), (keys) => {
        expect(stateIn(secret(keys)).nodeIds).not.toContain('');
      }),
    );
    expect(stateIn(undefined)).toEqual({ nodeIds: [], addresses: [] });
    expect(stateIn({ ...secret({}), data: { device_id: 7 } })).toEqual({ nodeIds: [], addresses: [] });
  });
});

describe('configIn', () => {
  it('reads back what was written', () => {
    const set = proxySetFor({ tags: ['tag:b', 'tag:a'] });
    const config = { authKey: 'tskey', keyId: 'k1', advertise: ['svc:web'], tags: 'tag:a,tag:b' };
    expect(configIn(configSecretFrom(set, 'u', { ordinal: 0, ...config }))).toEqual(config);
  });
});

describe('keyNeedOf', () => {
  const device: Partial<ReplicaState> = { deviceId: 'n1', nodeIds: ['n1'] };
  const key = { authKey: 'new', tags: 'tag:a' };
  const cases: readonly (readonly [string, Partial<ReplicaState>, ReplicaConfig, string])[] = [
    ['has nothing', {}, {}, 'mint'],
    ['has yet to use its key', {}, key, 'keep'],
    ['has a key that gives other tags', {}, { ...key, tags: 'tag:b' }, 'mint'],
    ['has a key of before tags were noted', {}, { authKey: 'new' }, 'keep'],
    ['is in the tailnet, and about to say so', { nodeIds: ['n1'] }, {}, 'keep'],
    ['has its device', device, key, 'drop'],
    ['has its device, and no key', device, { tags: 'tag:a' }, 'drop'],
    ['has its device with other tags', device, { tags: 'tag:b' }, 'retag'],
    ['had its key refused', { refusedKey: 'new' }, key, 'replace'],
    ['has lost its state after its key was dropped', { ...device, refusedKey: '' }, {}, 'replace'],
    ['has not seen yet that its key was replaced', { ...device, refusedKey: 'old' }, key, 'keep'],
    ['has not seen yet that it was given one', { refusedKey: '' }, key, 'keep'],
  ];
  it.each(cases)('of a replica that %s', (_, state, config, need) => {
    expect(keyNeedOf({ nodeIds: [], addresses: [], ...state }, config, 'tag:a')).toBe(need);
  });
});
