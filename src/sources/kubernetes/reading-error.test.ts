import { expect, it } from 'vitest';
import type { Failure } from '../../kubernetes/failure.ts';
import { errorFrom } from './reading-error.ts';

const of = (what: string, cause: Failure['cause'], message: string) => ({ what, failures: [{ cause, message }] });

it('nothing wrong is no text', () => {
  expect(errorFrom([{ what: 'Gateway', failures: [] }])).toBeUndefined();
});

it('a server that is away is one sentence, whatever was asked of it', () => {
  const away = ['Gateway', 'HTTPRoute'].map((kind) => of(kind, 'unreachable', 'no answer'));
  expect(errorFrom([...away, of('Secret', 'answered', '503')])).toBe('no answer');
});

it('kinds that fail for the same reason are told together', () => {
  expect(errorFrom([of('Gateway', 'answered', '503'), of('Node', 'forbidden', 'no nodes'), of('HTTPRoute', 'answered', '503')])).toBe(
    'Gateway, HTTPRoute: 503; Node: no nodes',
  );
});

it('missing permissions are told even while the server is away', () => {
  expect(errorFrom([of('Gateway', 'unreachable', 'no answer'), of('Node', 'forbidden', 'no nodes')])).toBe('no answer; Node: no nodes');
});
