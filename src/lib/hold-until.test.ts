import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { holdUntil } from './hold-until.ts';

/** What comes of `values` when it is time from the moment `looks` says `y` until it says `n`. */
const holds = (values: string, looks: string, expected: string): void => {
  const scheduler = new TestScheduler((actual, wanted) => expect(actual).toEqual(wanted));
  scheduler.run(({ hot, expectObservable }) => {
    let isTime = false;
    const looks$ = hot(looks);
    looks$.subscribe((look) => (isTime = look === 'y'));
    expectObservable(hot(values).pipe(holdUntil(() => isTime, looks$, 5, scheduler))).toBe(expected);
  });
};

describe('holdUntil', () => {
  it('lets a value through at once when it is time', () => holds('-a-b|', 'y----', '-a-b|'));
  it('holds a value until it is time', () => holds('-a------|', '---y-----', '---a----|'));
  it('never holds longer than the limit', () => holds('-a--------|', '----------', '------a---|'));
  it('lets only the newest of those go on that came meanwhile', () => holds('-abc-----|', '----y-----', '----c----|'));
  it('holds what comes after anew', () => holds('-a--b-----|', '-y-n--y---', '-a----b---|'));
});
