import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { settle } from './settle.ts';

type Quiet = (latest: string, emitted: string | undefined) => number;

/** What comes out, as `milliseconds value`, when `marbles` go in. */
const settled = (marbles: string, quietMsOf: Quiet, maxMs: number, again = ''): readonly string[] => {
  const out: string[] = [];
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(({ hot }) => {
    hot(marbles)
      .pipe(settle(quietMsOf, () => maxMs, hot(again)))
      .subscribe((value) => out.push(`${scheduler.now()} ${value}`));
  });
  return out;
};

const tenMs: Quiet = () => 10;
/** Upper and lower case are two kinds of change: the same kind as before waits for less. */
const sameCaseIsSmall: Quiet = (latest, emitted) => (emitted !== undefined && latest < 'a' === emitted < 'a' ? 2 : 10);

describe('settle', () => {
  it('gives the last value of a burst once the source has been quiet', () => {
    expect(settled('abc 30ms d 20ms |', tenMs, 100)).toEqual(['12 c', '43 d']);
  });

  it('does not wait beyond maxMs when the source never rests', () => {
    expect(settled('a 4ms b 4ms c 4ms d 4ms e 4ms f 4ms g 20ms |', tenMs, 20)).toEqual(['20 e', '40 g']);
  });

  it('lets a change wait for less when it is small against what was emitted last', () => {
    expect(settled('a 19ms b 19ms C d 19ms E f 3ms G 20ms |', sameCaseIsSmall, 100)).toEqual(['10 a', '22 b', '43 d', '64 f', '76 G']);
  });

  it('asks again how long a value waits when it is told to', () => {
    let quietMs = 50;
    const asked: string[] = [];
    const shorter: Quiet = (latest) => {
      asked.push(latest);
      quietMs -= 20;
      return quietMs;
    };
    expect(settled('a 60ms |', shorter, 100, '5ms x 30ms x')).toEqual(['10 a']);
    expect(asked).toEqual(['a', 'a']);
  });

  it('gives what is left when the source completes', () => {
    expect(settled('a 2ms b|', tenMs, 100)).toEqual(['4 b']);
  });
});
