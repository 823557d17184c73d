import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointWeights } from './weights.ts';

describe('weights of endpoints', () => {
  it.each([
    [
      'are 1 where everything is alike',
      [
        { weight: 7, count: 2 },
        { weight: 7, count: 2 },
      ],
      [1, 1],
    ],
    [
      'divide what a share weighs among its endpoints',
      [
        { weight: 1, count: 2 },
        { weight: 1, count: 1 },
      ],
      [1, 2],
    ],
    [
      'are as small as they can be',
      [
        { weight: 300, count: 3 },
        { weight: 200, count: 1 },
      ],
      [1, 2],
    ],
    ['are none for nothing', [], []],
  ])('%s', (_rule, shares, expected) => {
    expect(endpointWeights(shares)).toEqual(expected);
  });

  const share = fc.record({ weight: fc.integer({ min: 1, max: 1_000_000 }), count: fc.integer({ min: 1, max: 100 }) });

  it('are whole, at least 1, and sum up in 32 bits', () => {
    fc.assert(
      fc.property(fc.array(share, { maxLength: 50 }), (shares) => {
        const weights = endpointWeights(shares);
        for (const weight of weights) expect(Number.isInteger(weight) && weight >= 1).toBe(true);
        expect(weights.reduce((sum, weight, index) => sum + weight * (shares[index]?.count ?? 0), 0)).toBeLessThanOrEqual(0xffff_ffff);
      }),
    );
  });

  it('of few small shares are exact', () => {
    const small = fc.record({ weight: fc.integer({ min: 1, max: 100 }), count: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(small, small, (one, other) => {
        const [first = 0, second = 0] = endpointWeights([one, other]);
        expect(first * one.count * other.weight).toBe(second * other.count * one.weight);
      }),
    );
  });
});
