import { expect, it } from 'vitest';
import { regexProblem } from './regex.ts';

it.each(['/a.*', '[a-z]{50}', '(?i)abc', String.raw`\d+\.\w*`, '(?P<n>a)', String.raw`\pL{3}`, 'a{1000}', 'é', String.raw`\\x{100}`])(
  '%s is an expression Envoy takes',
  (pattern) => {
    expect(regexProblem(pattern)).toBeUndefined();
  },
);

it.each([
  ['', 'nothing'],
  ['(', 'a group that does not end'],
  ['a**', 'a repeated repetition'],
  ['(?=a)', 'a look-ahead'],
  ['(?<=a)b', 'a look-behind'],
  [String.raw`(a)\1`, 'a back-reference'],
  ['a{1001}', 'too many repetitions'],
  ['(a{100}){100}', 'too many nested repetitions'],
  [String.raw`\x{100}`, 'a character that is no byte'],
  ['(a{1000}){0}', 'a repetition of none, which Envoy counts differently'],
])('%s is refused: %s', (pattern) => {
  expect(regexProblem(pattern)).toEqual(expect.any(String));
});

it('what is too large is refused before it is compiled', () => {
  expect(regexProblem('.{1000}'.repeat(500))).toContain('too large');
  expect(regexProblem('(?:abcdefghij|)'.repeat(1000))).toContain('too large');
});
