import { expect, it } from 'vitest';
import { namesIn } from './culprit.ts';

const message = 'Error adding/updating cluster(s) default/web:80: bad timeout, default/web-2:80: bad policy';

it('finds the names that Envoy gives', () => {
  expect(namesIn(message, ['default/web:80', 'default/web-2:80', 'default/other:80'])).toEqual(
    new Set(['default/web:80', 'default/web-2:80']),
  );
});

it('does not take a part of a name for a name', () => {
  expect(namesIn(message, ['web', 'default/web', 'web-2:80', 'update'])).toEqual(new Set());
});

it('finds names in quotes, in brackets and at the end of a sentence', () => {
  expect(namesIn("listener 'a' (b) conflicts with c.", ['a', 'b', 'c', 'd'])).toEqual(new Set(['a', 'b', 'c']));
});

it('finds nothing for an empty name', () => {
  expect(namesIn(message, [''])).toEqual(new Set());
});
