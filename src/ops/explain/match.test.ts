import { describe, expect, it } from 'vitest';
import { entryOf } from '../../../test/support/graph.ts';
import type { HttpMatch } from '../../model/graph.ts';
import { mismatch } from './match.ts';
import { requestFrom } from './request.ts';

const against = (match: Partial<HttpMatch>, url: string, method = 'GET', headers: readonly string[] = []): string | undefined => {
  const request = requestFrom(`http://a${url}`, method, headers);
  if (typeof request === 'string') throw new Error(request);
  return mismatch(entryOf('test', match).match, request);
};

describe('mismatch', () => {
  it('lets a prefix match whole path elements only', () => {
    const path = { type: 'prefix', value: '/a' } as const;
    expect(['/a', '/a/', '/a/b', '/a?b', '//a//b'].map((url) => against({ path }, url))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(against({ path }, '/ab')).toBe('path /ab is not prefix /a');
  });

  it('compares exact paths with their case, and regular expressions with the whole path', () => {
    expect(against({ path: { type: 'exact', value: '/a' } }, '/a')).toBeUndefined();
    expect(against({ path: { type: 'exact', value: '/a' } }, '/a/')).toBe('path /a/ is not exact /a');
    expect(against({ path: { type: 'exact', value: '/a' } }, '/A')).toBeDefined();
    expect(against({ path: { type: 'regex', value: '/(?i)a+' } }, '/aA')).toBeUndefined();
    expect(against({ path: { type: 'regex', value: '/a' } }, '/ab')).toBeDefined();
  });

  it('compares the method', () => {
    expect(against({ method: 'POST' }, '/', 'post')).toBeUndefined();
    expect(against({ method: 'POST' }, '/', 'GET')).toBe('method GET is not POST');
  });

  it('compares headers by lower-case name, joined values, and the host', () => {
    const headers = [{ name: 'x-one', type: 'exact', value: 'a,b' }] as const;
    expect(against({ headers }, '/', 'GET', ['X-One: a', 'x-one: b'])).toBeUndefined();
    expect(against({ headers }, '/', 'GET', ['x-one: a'])).toBe('header x-one=a is not a,b');
    expect(against({ headers: [{ name: 'host', type: 'regex', value: '[ab]' }] }, '/')).toBeUndefined();
  });

  it('compares the first value of a query parameter, as it is written', () => {
    const queryParams = [{ name: 'q', type: 'exact', value: 'a%20b' }] as const;
    expect(against({ queryParams }, '/?q=a%20b&q=c')).toBeUndefined();
    expect(against({ queryParams }, '/?q=c&q=a%20b')).toBe('query parameter q=c is not a%20b');
    expect(against({ queryParams }, '/')).toBe('query parameter q is absent');
  });

  it('takes gRPC requests only where gRPC is asked for', () => {
    expect(against({ grpc: true }, '/', 'POST', ['content-type: application/grpc+proto'])).toBeUndefined();
    expect(against({ grpc: true }, '/', 'POST', ['content-type: application/json'])).toContain('not a gRPC request');
  });
});
