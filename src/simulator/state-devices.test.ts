import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstOf, start } from '../../test/support/simulated-call.ts';
import { initialWorld } from './initial.ts';
import { alter, deviceBy, join, joinByKey, remove } from './state-devices.ts';
import { mintKey } from './state-keys.ts';
import type { KeyWish } from './state-keys.ts';
import { putService } from './state-services.ts';
import type { Tailnet } from './state.ts';

const tailnet = firstOf(initialWorld('test', start));
const wish: KeyWish = { description: '', expirySeconds: 60, reusable: false, ephemeral: true, preauthorized: true, tags: ['tag:k8s'] };

const minted = (on: Tailnet, changes: Partial<KeyWish> = {}) => {
  const result = mintKey(on, { ...wish, ...changes }, ['tag:k8s-operator'], start);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
};

/** How many devices one key lets in when two try. */
const devicesIn = (changes: Partial<KeyWish>): number => {
  const { tailnet: before, key } = minted(tailnet, changes);
  const first = joinByKey(before, { hostname: 'one' }, key.secret, start);
  const second = first.ok ? joinByKey(first.value.tailnet, { hostname: 'two' }, key.secret, start) : first;
  return [first, second].filter((each) => each.ok).length;
};

const demo = () => {
  const [device] = tailnet.devices;
  if (device === undefined) throw new Error('unreachable: no device');
  return device;
};

describe('join', () => {
  it('gives every device names, ids and addresses of its own, whatever joined and left before', () => {
    const histories = fc.array(fc.oneof(fc.constantFrom('web', 'Web', 'db'), fc.constant(undefined)), { maxLength: 12 });
    fc.assert(
      fc.property(histories, (history) => {
        const { devices } = history.reduce((before, hostname) => {
          const [first] = before.devices;
          if (hostname !== undefined) return join(before, { hostname }, start).tailnet;
          return first === undefined ? before : remove(before, first);
        }, tailnet);
        const distinct = devices.flatMap((device) => [device.id, device.nodeId, device.name, device.nodeKey, ...device.addresses]);
        expect(new Set(distinct).size).toBe(devices.length * 6);
      }),
    );
  });

  it('is the same for the same seed, and another for another', () => {
    expect(initialWorld('test', start)).toEqual(initialWorld('test', start));
    expect(firstOf(initialWorld('other', start)).devices[0]?.nodeId).not.toBe(tailnet.devices[0]?.nodeId);
  });

  it('numbers a host name that is taken, by a machine or by a service', () => {
    const web = putService(tailnet, 'svc:web', { name: 'svc:web', addrs: [] }, undefined);
    expect(join(tailnet, { hostname: 'demo' }, start).device.name).toBe('demo-1.simulated.ts.net');
    expect(web.ok && join(web.value.tailnet, { hostname: 'web' }, start).device.name).toBe('web-1.simulated.ts.net');
  });
});

describe('joinByKey', () => {
  it('gives the device what the key says, whatever the device asks for', () => {
    const { tailnet: after, key } = minted(tailnet);
    expect(joinByKey(after, { hostname: 'proxy', tags: ['tag:other'] }, key.secret, start)).toMatchObject({
      ok: true,
      value: { device: { tags: ['tag:k8s'], authorized: true, isEphemeral: true } },
    });
  });

  it('spends a single-use key on one device, and not a reusable one', () => {
    expect(devicesIn({})).toBe(1);
    expect(devicesIn({ reusable: true })).toBe(2);
  });

  it('refuses an unknown and an expired key', () => {
    const { tailnet: after, key } = minted(tailnet);
    expect(joinByKey(after, { hostname: 'late' }, key.secret, start + 60_000).ok).toBe(false);
    expect(joinByKey(after, { hostname: 'guess' }, 'tskey-auth-guess', start).ok).toBe(false);
  });

  it('leaves a device to an admin where the tailnet wants approval and the key does not give it', () => {
    const strict = { ...tailnet, settings: { ...tailnet.settings, devicesApprovalOn: true } };
    const { tailnet: after, key } = minted(strict, { preauthorized: false });
    expect(joinByKey(after, { hostname: 'proxy' }, key.secret, start)).toMatchObject({ value: { device: { authorized: false } } });
  });
});

describe('alter', () => {
  it('dates the last sight of a device that goes offline, and forgets it when it is back', () => {
    const offline = alter(tailnet, demo(), { connectedToControl: false }, start + 5000);
    const [device] = offline.devices;
    expect(device?.lastSeen).toBe('2026-01-01T00:00:05Z');
    expect(device && alter(offline, device, { connectedToControl: true }, start + 9000).devices[0]).not.toHaveProperty('lastSeen');
    expect(device && alter(offline, device, { os: 'plan9' }, start + 9000).devices[0]?.lastSeen).toBe('2026-01-01T00:00:05Z');
  });

  it('finds a device by either of its ids', () => {
    expect(deviceBy(tailnet, demo().id)).toEqual(deviceBy(tailnet, demo().nodeId));
    expect(deviceBy(tailnet, '')).toMatchObject({ ok: false, problem: { status: 404 } });
  });
});
