import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allottedPorts, entrancePorts, isEntrancePort } from './envoy-ports.ts';

const keys = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 50 });

it('everybody gets a port of its own, and none that is taken', () => {
  fc.assert(
    fc.property(keys, fc.uniqueArray(fc.integer({ min: 20_000, max: 20_100 })), (all, taken) => {
      const ports = allottedPorts(
        all.map((key) => ({ key })),
        new Set(taken),
      );
      expect(ports.size).toBe(all.length);
      expect(new Set(ports.values()).size).toBe(all.length);
      for (const port of ports.values()) expect(isEntrancePort(port) && !taken.includes(port)).toBe(true);
    }),
  );
});

it('whoever has a port keeps it when others come and go', () => {
  fc.assert(
    fc.property(keys, keys, (before, after) => {
      const had = allottedPorts(
        before.map((key) => ({ key })),
        new Set(),
      );
      const now = allottedPorts(
        after.map((key) => {
          const hint = had.get(key);
          return hint === undefined ? { key } : { key, hint };
        }),
        new Set(),
      );
      const stayed = after.filter((key) => had.has(key));
      expect(stayed.map((key) => now.get(key))).toEqual(stayed.map((key) => had.get(key)));
    }),
  );
});

it('when all are taken, the youngest get none', () => {
  const size = entrancePorts.last - entrancePorts.first + 1;
  const ports = allottedPorts(
    Array.from({ length: size + 2 }, (_, index) => ({ key: `${index}` })),
    new Set(),
  );
  expect(ports.size).toBe(size);
  expect(ports.has(`${size}`)).toBe(false);
});
