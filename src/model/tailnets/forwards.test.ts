import fc from 'fast-check';
import { expect, it } from 'vitest';
import { forwardedPortsOf, type ForwardTarget, forwardsOf } from './forwards.ts';

const target = fc.oneof(
  fc.record({
    ip: fc.integer({ min: 0, max: 65_535 }).map((last) => `100.64.${last >> 8}.${last & 255}`),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
  fc.record({
    fqdn: fc.stringMatching(/^[a-z]{1,8}\.ts\.net$/),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
);

const matchPorts = (targets: readonly ForwardTarget[]): readonly number[] =>
  [...forwardsOf(targets).values()].flatMap(({ ports }) => ports.map(({ matchPort }) => matchPort));

it('leads each port of a target from a port of its own', () => {
  const forwards = forwardsOf([
    { fqdn: 'db.example.ts.net', protocol: 'TCP', port: 5432 },
    { ip: 'fd7a:115c:a1e0::1', protocol: 'UDP', port: 53 },
    { fqdn: 'db.example.ts.net', protocol: 'TCP', port: 8080 },
  ]);
  expect([...forwards.keys()]).toEqual(['db.example.ts.net', 'fd7a-115c-a1e0--1']);
  expect(forwards.get('db.example.ts.net')).toMatchObject({ ip: '', fqdn: 'db.example.ts.net' });
  expect(
    forwards
      .get('db.example.ts.net')
      ?.ports.map(({ targetPort }) => targetPort)
      .toSorted(),
  ).toEqual([5432, 8080]);
  expect(forwards.get('fd7a-115c-a1e0--1')).toMatchObject({ ip: 'fd7a:115c:a1e0::1', fqdn: '' });
});

it('gives every port once, in the range, whatever the order and however often a target is named', () => {
  fc.assert(
    fc.property(fc.array(target, { maxLength: 300 }), (targets) => {
      const ports = matchPorts(targets);
      expect(new Set(ports).size).toBe(ports.length);
      expect(ports.length).toBe(forwardedPortsOf(targets));
      expect(ports.every((port) => port >= 10_000 && port < 11_000)).toBe(true);
      expect(forwardsOf([...targets, ...targets].toReversed())).toEqual(forwardsOf(targets));
    }),
  );
});

it('moves few of the others when a target comes', () => {
  const before = Array.from({ length: 200 }, (_, index): ForwardTarget => ({ ip: `100.64.0.${index}`, protocol: 'TCP', port: 80 }));
  const held = forwardsOf(before);
  const after = forwardsOf([...before, { fqdn: 'another.ts.net', protocol: 'TCP', port: 80 }]);
  const moved = [...held].filter(([name, { ports }]) => after.get(name)?.ports[0]?.matchPort !== ports[0]?.matchPort);
  expect(moved.length).toBeLessThanOrEqual(2);
});

it('leaves out what no port is left for', () => {
  const many = Array.from({ length: 1200 }, (_, index): ForwardTarget => ({ ip: '100.64.0.1', protocol: 'TCP', port: index + 1 }));
  expect(matchPorts(many)).toHaveLength(1000);
  expect(forwardedPortsOf(many)).toBe(1200);
});
