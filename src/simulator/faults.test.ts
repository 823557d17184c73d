import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { start } from '../../test/support/simulated-call.ts';
import { faultFrom, faultSchema, takeFault } from './faults.ts';
import type { Fault } from './faults.ts';
import { initialWorld } from './initial.ts';

const world = initialWorld('test', start);
const fault = (order: unknown, id = '1'): Fault => faultFrom(faultSchema.parse(order), id, world);
const isHit = (path: string, pattern: string): boolean => takeFault([fault({ path: pattern })], 'GET', path).fault !== undefined;

describe('takeFault', () => {
  it('takes a star for any text, and the rest of the pattern for itself', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '/'), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (text, pattern) => {
        const path = text.replaceAll('*', '');
        const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        expect(isHit(path, pattern)).toBe(expected.test(path));
      }),
    );
  });

  it('does not use one piece of the text for two of the pattern', () => {
    expect([isHit('/a', '/a*a'), isHit('/aa', '/a*a'), isHit('/a/b', '*/*/*b*b')]).toEqual([false, true, false]);
  });

  it('concerns as many calls as its count says, and all calls without one', () => {
    const once = takeFault([fault({ count: 2 })], 'GET', '/x');
    const twice = takeFault(once.faults, 'GET', '/x');
    expect([once.fault?.id, twice.fault?.id, twice.faults]).toEqual(['1', '1', []]);
    expect(takeFault([fault({})], 'GET', '/x').faults).toHaveLength(1);
  });

  it('leaves faults alone that are for another path or method', () => {
    const faults = [fault({ path: '/other', count: 1 }), fault({ method: 'PUT', count: 1 })];
    expect(takeFault(faults, 'GET', '/x')).toEqual({ fault: undefined, faults });
  });

  it('takes the one ordered first when several concern a call', () => {
    const faults = [fault({ count: 1 }, 'a'), fault({}, 'b')];
    const first = takeFault(faults, 'GET', '/x');
    expect([first.fault?.id, takeFault(first.faults, 'GET', '/x').fault?.id]).toEqual(['a', 'b']);
  });

  it('spends a stale read on reads only', () => {
    const faults = [fault({ stale: true, count: 1 })];
    expect(takeFault(faults, 'PUT', '/x')).toEqual({ fault: undefined, faults });
    expect(takeFault(faults, 'GET', '/x').fault?.past).toBe(world);
  });
});

describe('faultSchema', () => {
  it.each([{ status: 200 }, { count: 0 }, { delayMs: -1 }, { pat: '/typo' }, { method: 'BREW' }])('refuses %j', (order) => {
    expect(faultSchema.safeParse(order).success).toBe(false);
  });
});
