import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../api/observations.ts';
import { devicesFrom, expireBy, type ListedDevice } from './devices.ts';
import { SenselessAnswer } from './wire.ts';

const now = Date.UTC(2026, 0, 1);
const none: ReadonlyMap<string, Device> = new Map();

const listed = (fields: Partial<ListedDevice> = {}): ListedDevice => ({
  nodeId: 'n1CNTRL',
  name: 'web.tail1234.ts.net',
  hostname: 'web',
  addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'],
  tags: [],
  user: 'ann@example.com',
  authorized: true,
  isExternal: false,
  connectedToControl: true,
  keyExpiryDisabled: false,
  expires: '2026-06-01T00:00:00Z',
  lastSeen: '',
  ...fields,
});
const deviceFrom = (fields: Partial<ListedDevice>): Device | undefined => devicesFrom([listed(fields)], none, now).devices.get('n1CNTRL');
const suffixFrom = (...devices: readonly Partial<ListedDevice>[]): string | undefined =>
  devicesFrom(
    devices.map((fields, index) => listed({ nodeId: `n${index}`, ...fields })),
    none,
    now,
  ).suffix;

describe('a machine', () => {
  it('is told in our own words', () => {
    const fields = { name: 'Web.tail1234.ts.net.', addresses: ['FD7A:115C:A1E0::1', '100.64.0.1'], tags: ['tag:b', 'tag:a'] };
    expect(deviceFrom(fields)).toEqual({
      id: 'n1CNTRL',
      fqdn: 'web.tail1234.ts.net',
      hostname: 'web',
      addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'],
      tags: ['tag:a', 'tag:b'],
      user: '',
      usable: true,
      connected: true,
      authorized: true,
      expired: false,
    });
    expect(deviceFrom({})).toMatchObject({ user: 'ann@example.com', tags: [] });
  });

  it.each([
    [{}, true],
    [{ connectedToControl: false }, false],
    [{ authorized: false }, false],
    [{ expires: '2025-12-31T23:59:59Z' }, false],
    [{ expires: '2026-01-01T00:00:00Z' }, false],
    [{ expires: '2025-12-31T23:59:59Z', keyExpiryDisabled: true }, true],
    [{ expires: '0001-01-01T00:00:00Z' }, true],
    [{ expires: '' }, true],
    [{ expires: 'soon' }, true],
  ])('with %j is usable: %j', (fields, usable) => {
    expect(deviceFrom(fields)?.usable).toBe(usable);
  });

  it('has a time when it was seen only while it is not connected', () => {
    const lastSeen = '2026-01-01T00:00:00Z';
    expect(deviceFrom({ lastSeen })).not.toHaveProperty('lastSeen');
    expect(deviceFrom({ lastSeen, connectedToControl: false })?.lastSeen).toBe(lastSeen);
  });

  it('keeps only addresses that are some', () => {
    expect(deviceFrom({ addresses: ['', 'web', '100.64.0.256', 'fe80::1%eth0', '100.64.0.1'] })?.addresses).toEqual(['100.64.0.1']);
  });

  it('may call itself what it likes: what cannot be shown is left out, and its length is limited', () => {
    expect(deviceFrom({ hostname: "Ann's\u0000 \u001b[31mMac" })?.hostname).toBe("Ann's [31mMac");
    expect(deviceFrom({ hostname: 'x'.repeat(10_000) })?.hostname).toHaveLength(253);
  });
});

describe('a list', () => {
  it.each([['a\u0000b.ts.net'], ['a b.ts.net'], ['a\nb.ts.net'], ['x'.repeat(254)]])('with the name %j makes no sense', (name) => {
    expect(() => devicesFrom([listed(), listed({ nodeId: 'n2', name })], none, now)).toThrow(SenselessAnswer);
  });

  it('of more machines than a tailnet can have makes no sense', () => {
    const one = listed();
    expect(() =>
      devicesFrom(
        Array.from({ length: 100_001 }, () => one),
        none,
        now,
      ),
    ).toThrow('100001 machines');
  });

  it('that names a machine twice counts it once', () => {
    const twice = [listed(), listed({ name: 'other.tail1234.ts.net' })];
    const { devices } = devicesFrom(twice, none, now);
    expect([...devices.values()].map(({ fqdn }) => fqdn)).toEqual(['web.tail1234.ts.net']);
    expect(devicesFrom(twice, devices, now).devices).toBe(devices);
  });
});

describe('the suffix', () => {
  it('is what most machines have after their first label', () => {
    expect(suffixFrom({ name: 'a.one.ts.net' }, { name: 'b.two.ts.net' }, { name: 'c.two.ts.net' })).toBe('two.ts.net');
  });

  it('does not come from machines that are shared in', () => {
    const shared = { name: 'a.other.ts.net', isExternal: true };
    expect(suffixFrom(shared, shared, { name: 'b.own.ts.net' })).toBe('own.ts.net');
    expect(suffixFrom(shared)).toBeUndefined();
  });

  it('does not come from names that have none', () => {
    expect(suffixFrom({ name: 'a' }, { name: '' })).toBeUndefined();
    expect(suffixFrom({ name: 'a' }, { name: 'b' }, { name: 'c.own.ts.net' })).toBe('own.ts.net');
  });
});

describe('a later list', () => {
  const some = [listed(), listed({ nodeId: 'n2', name: 'db.tail1234.ts.net', hostname: 'db', connectedToControl: false })];
  const before = devicesFrom(some, none, now).devices;

  it('that says the same gives the same map, whatever it says about when machines were seen', () => {
    const again = some.map((device) => ({ ...device, lastSeen: '2026-01-01T12:00:00Z' }));
    expect(devicesFrom(again, before, now).devices).toBe(before);
    expect(devicesFrom(again.toReversed(), before, now).devices).toBe(before);
  });

  it.each<[Partial<ListedDevice>]>([
    [{ name: 'www.tail1234.ts.net' }],
    [{ hostname: 'www' }],
    [{ addresses: ['100.64.0.9'] }],
    [{ tags: ['tag:a'] }],
    [{ user: 'bob@example.com' }],
    [{ authorized: false }],
    [{ connectedToControl: false }],
    [{ expires: '2025-01-01T00:00:00Z' }],
  ])('with %j gives that machine anew, and every other one as it was', (change) => {
    const { devices } = devicesFrom([listed(change), ...some.slice(1)], before, now);
    expect(devices).toEqual(devicesFrom([listed(change), ...some.slice(1)], none, now).devices);
    expect(devices.get('n1CNTRL')).not.toEqual(before.get('n1CNTRL'));
    expect(devices.get('n2')).toBe(before.get('n2'));
  });

  it('with another tag gives the machine anew', () => {
    const tagged = (tag: string) => [listed({ tags: [tag, 'tag:z'] })];
    const known = devicesFrom(tagged('tag:a'), none, now).devices;
    expect(devicesFrom(tagged('tag:b'), known, now).devices.get('n1CNTRL')?.tags).toEqual(['tag:b', 'tag:z']);
    expect(devicesFrom([listed({ tags: ['tag:z', 'tag:a'] })], known, now).devices).toBe(known);
  });

  it('without a machine, or with one more, is another map', () => {
    expect([...devicesFrom(some.slice(1), before, now).devices.keys()]).toEqual(['n2']);
    expect(devicesFrom([...some, listed({ nodeId: 'n3' })], before, now).devices.size).toBe(3);
  });

  it('gives what it would give if nothing had been known, but for when machines were seen', () => {
    const time = fc.constantFrom('', '0001-01-01T00:00:00Z', '2025-06-01T00:00:00Z', '2026-06-01T00:00:00Z');
    const device = fc.record({
      nodeId: fc.constantFrom('a', 'b', 'c', 'd'),
      name: fc.constantFrom('a.x.ts.net', 'A.x.ts.net.', 'b.y.ts.net', ''),
      hostname: fc.constantFrom('a', 'b\u0007', 'b'),
      addresses: fc.subarray(['100.64.0.1', '100.64.0.2', 'fd7a::1', 'FD7A::1', 'none']),
      tags: fc.shuffledSubarray(['tag:a', 'tag:b']),
      user: fc.constantFrom('ann', 'bob'),
      authorized: fc.boolean(),
      isExternal: fc.boolean(),
      connectedToControl: fc.boolean(),
      keyExpiryDisabled: fc.boolean(),
      expires: time,
      lastSeen: time,
    });
    const list = fc.array(device, { maxLength: 5 });
    const unseen = ({ devices, ...rest }: ReturnType<typeof devicesFrom>) => ({
      ...rest,
      devices: new Map([...devices].map(([id, device]) => [id, { ...device, lastSeen: '' }])),
    });
    fc.assert(
      fc.property(list, list, (first, second) => {
        const known = devicesFrom(first, none, now).devices;
        expect(unseen(devicesFrom(second, known, now))).toEqual(unseen(devicesFrom(second, none, now)));
        expect(devicesFrom(first, known, now).devices).toBe(known);
      }),
    );
  });
});

describe('a key', () => {
  const { devices, expiries } = devicesFrom(
    [listed(), listed({ nodeId: 'n2', expires: '2027-01-01T00:00:00Z' }), listed({ nodeId: 'n3', keyExpiryDisabled: true })],
    none,
    now,
  );

  it('expires when its time has come, though nobody tells', () => {
    const later = expireBy({ devices, expiries }, Date.UTC(2026, 5, 1));
    expect(later.get('n1CNTRL')).toMatchObject({ expired: true, usable: false, connected: true });
    expect([later.get('n2'), later.get('n3')]).toEqual([devices.get('n2'), devices.get('n3')]);
    expect(expireBy({ devices: later, expiries }, Date.UTC(2026, 5, 2))).toBe(later);
  });

  it('changes nothing before', () => {
    expect(expireBy({ devices, expiries }, Date.UTC(2026, 4, 31))).toBe(devices);
  });
});
