import type { HttpMatch, PathRewrite } from '../../src/model/graph.ts';
import type { RegexMatchAndSubstitute } from '../types.ts';

type PathChange = { readonly prefixRewrite?: string; readonly regexRewrite?: RegexMatchAndSubstitute };

/** A whole path as Envoy wants it: it begins with a slash. */
export const fullPathFrom = (value: string): string => (value.startsWith('/') ? value : `/${value}`);

/** Puts `value` in place of the whole path; the query stays. */
export const fullPathRewriteFrom = (value: string): PathChange => ({
  regexRewrite: { pattern: { regex: '^/.*$' }, substitution: fullPathFrom(value).replaceAll('\\', '\\\\') },
});

/**
 * Puts `rewrite.value` in place of the prefix that matched, by the table of Gateway API `HTTPPathModifier.replacePrefixMatch`: slashes
 * at the end of either do not count, and what comes out begins with one slash. Nothing where the match is no prefix, or nothing changes.
 * `written` is the prefix to replace where a policy has requests matched by something narrower.
 */
export const prefixRewriteFrom = (matched: HttpMatch['path'], { value }: PathRewrite, written?: HttpMatch['path']): PathChange => {
  const path = written ?? matched;
  if (path.type !== 'prefix') return {};
  const replacement = fullPathFrom(value.replace(/\/+$/, ''));
  if (written !== undefined && replacement !== '/') return beginningFrom(written.value, replacement);
  if (path.value === '/') return replacement === '/' ? {} : { prefixRewrite: `${replacement}/` };
  if (replacement !== '/') return { prefixRewrite: replacement };
  // Envoy would put `/` for `/foo` in `/foo/bar`, which is `//bar`: take the slash that follows along.
  return { regexRewrite: { pattern: { regex: `^${quoted(path.value)}/*` }, substitution: '/' } };
};

/** Envoy's own replacement of prefixes is of what it has matched. */
const beginningFrom = (prefix: string, replacement: string): PathChange => ({
  regexRewrite: {
    pattern: { regex: `^${quoted(prefix)}` },
    substitution: (prefix === '/' ? `${replacement}/` : replacement).replaceAll('\\', '\\\\'),
  },
});

/** RE2 reads the result as the text itself. */
export const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
