import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { holdUntil } from './hold-until.ts';

/** What goes on of `values`, and in which millisecond, when it is time from the moment `looks` says `y` until it says `n`. */
const passed = (values: string, looks: string): readonly string[] => {
  const seen: string[] = [];
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(({ hot }) => {
    let isTime = false;
    const looks$ = hot(looks);
    looks$.subscribe((look) => (isTime = look === 'y'));
    hot(values)
      .pipe(holdUntil(() => isTime, looks$, 5, scheduler))
      .subscribe((value) => seen.push(`${value} ${scheduler.now()}`));
  });
  return seen;
};

describe('holdUntil', () => {
  it('lets a value through at once when it is time', () => expect(passed('-a-b|', 'y----')).toEqual(['a 1', 'b 3']));
  it('holds a value until it is time', () => expect(passed('-a------|', '---y-----')).toEqual(['a 3']));
  it('never holds longer than the limit', () => expect(passed('-a--------|', '----------')).toEqual(['a 6']));
  it('lets only the newest of those go on that came meanwhile', () => expect(passed('-abc-----|', '----y-----')).toEqual(['c 4']));
  it('holds what comes after anew', () => expect(passed('-a--b-----|', '-y-n--y---')).toEqual(['a 1', 'b 6']));
});
