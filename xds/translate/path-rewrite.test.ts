import { describe, expect, it } from 'vitest';
import { fullPathRewriteFrom, prefixRewriteFrom } from './path-rewrite.ts';

/** As Envoy does it: a prefix is cut off and the rewrite put in its place, a pattern is replaced. RE2 and JavaScript agree on what is used here. */
const rewritten = (path: string, prefix: string, change: ReturnType<typeof prefixRewriteFrom>): string => {
  if (change.prefixRewrite !== undefined) return change.prefixRewrite + path.slice(prefix.length);
  if (change.regexRewrite === undefined) return path;
  const { pattern, substitution = '' } = change.regexRewrite;
  return path.replace(new RegExp(pattern?.regex ?? ''), () => substitution.replaceAll('\\\\', '\\'));
};

describe('a rewritten prefix', () => {
  // Gateway API v1, HTTPPathModifier.replacePrefixMatch; the model has taken the slashes off the end of prefixes.
  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/foo/bar', '/', '/xyz', '/xyz/foo/bar'],
    ['/foo/bar', '/', '/', '/foo/bar'],
    ['/a.b/c', '/a.b', '/', '/c'],
    ['/axb/c', '/a.b', '/', '/axb/c'],
  ])('turns %s, matched by %s, with %j into %s', (path, prefix, value, expected) => {
    expect(rewritten(path, prefix, prefixRewriteFrom({ type: 'prefix', value: prefix }, { type: 'prefix', value }))).toBe(expected);
  });

  // A policy matched what it found below the prefix that is to be replaced.
  it.each([
    ['/foo/admin/x', '/foo', '/xyz', '/xyz/admin/x'],
    ['/foo/admin', '/foo', '', '/admin'],
    ['/admin/x', '/', '/xyz', '/xyz/admin/x'],
    ['/a.b/admin', '/a.b', '/\\1', '/\\1/admin'],
  ])('turns %s, written as %s, with %j into %s whatever is matched', (path, prefix, value, expected) => {
    const change = prefixRewriteFrom({ type: 'regex', value: '.*admin.*' }, { type: 'prefix', value }, { type: 'prefix', value: prefix });
    expect(change.prefixRewrite).toBeUndefined();
    expect(rewritten(path, prefix, change)).toBe(expected);
  });

  it('changes nothing where the match is not a prefix', () => {
    expect(prefixRewriteFrom({ type: 'exact', value: '/foo' }, { type: 'prefix', value: '/bar' })).toEqual({});
  });
});

describe('a rewritten path', () => {
  it('is the text itself, also where it looks like a reference to a group', () => {
    expect(rewritten('/a/b', '/', fullPathRewriteFrom('/x\\1'))).toBe('/x\\1');
  });
});
