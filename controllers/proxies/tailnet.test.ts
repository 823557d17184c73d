import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyDescription } from './tailnet.ts';

describe('keyDescription', () => {
  const set = fc.record({
    uid: fc.uuid(),
    namespace: fc.constantFrom('a', 'b'),
    name: fc.stringMatching(/^[a-z]([-a-z0-9.]{0,250}[a-z0-9])?$/),
  });

  it('is what the API takes: at most 50 letters, digits, hyphens and spaces', () => {
    fc.assert(
      fc.property(set, fc.nat({ max: 99_999 }), (of, ordinal) => {
        expect(keyDescription(of, ordinal)).toMatch(/^[A-Za-z0-9 -]{1,50}$/);
      }),
    );
  });

  it('tells replicas, sets, namespaces and owners apart', () => {
    fc.assert(
      fc.property(set, fc.nat({ max: 999 }), set, fc.nat({ max: 999 }), (one, ordinal, other, otherOrdinal) => {
        const isSame = JSON.stringify([one, ordinal]) === JSON.stringify([other, otherOrdinal]);
        expect(keyDescription(one, ordinal) === keyDescription(other, otherOrdinal)).toBe(isSame);
        expect(keyDescription(one, ordinal)).not.toBe(keyDescription(one, ordinal + 1));
      }),
    );
  });
});
