import { expect, it } from 'vitest';
import { refusalOf, Refusals } from './refusals.ts';

it('tells of a reason at once, and then once a minute how often it applied', () => {
  const told: [string, number][] = [];
  const refusals = new Refusals((reason, times) => told.push([reason, times]));
  for (let at = 0; at < 150_000; at += 1000) {
    refusals.add('a', at);
    if (at === 30_000) refusals.add('b', at);
    refusals.check(at);
  }
  expect(told).toEqual([
    ['a', 1],
    ['b', 1],
    ['a', 60],
    ['a', 60],
  ]);
});

it('says what is wrong with a certificate, else why OpenSSL gave up, and nothing of clients that went away', () => {
  const error = (code: string): Error => Object.assign(new Error('no'), { code });
  const verdict = 'CERT_HAS_EXPIRED' as unknown as Error;
  expect(refusalOf(error('ECONNRESET'), { authorizationError: verdict })).toBe('the client certificate has expired');
  expect(refusalOf(error('ERR_SSL_SOMETHING'), { authorizationError: null as unknown as Error })).toBe('ERR_SSL_SOMETHING');
  expect(refusalOf(error('ECONNRESET'), { authorizationError: null as unknown as Error })).toBeUndefined();
});
