import { describe, expect, it } from 'vitest';
import { ReissueLimit } from './reissue-limit.ts';

describe('ReissueLimit', () => {
  it('gives a set as many keys at once as it has replicas, then one each half minute', () => {
    let now = 1000;
    const limit = new ReissueLimit(() => now);
    expect([limit.take('a', 2), limit.take('a', 2), limit.take('a', 2)]).toEqual([undefined, undefined, 30_000]);
    now += 29_000;
    expect(limit.take('a', 2)).toBe(1000);
    now += 1000;
    expect([limit.take('a', 2), limit.take('a', 2)]).toEqual([undefined, 30_000]);
    now += 3_600_000;
    expect([limit.take('a', 2), limit.take('a', 2), limit.take('a', 2)]).toEqual([undefined, undefined, 30_000]);
  });

  it('keeps sets apart', () => {
    const limit = new ReissueLimit(() => 0);
    limit.take('a', 1);
    expect([limit.take('a', 1), limit.take('b', 1)]).toEqual([30_000, undefined]);
    limit.forget('a');
    expect(limit.take('a', 1)).toBeUndefined();
  });
});
