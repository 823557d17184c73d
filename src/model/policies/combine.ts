import { RE2JS } from 're2js';
import type { HttpMatch, ValueMatch } from '../graph.ts';
import type { PolicyMatch } from './policy.ts';

/**
 * Requests that both match. `never`: there are none. `inexpressible`: Envoy cannot ask for both at once; `what` says of which.
 * `same`: every request of the route's match is one of the policy's.
 */
export type Combined =
  | { readonly kind: 'some'; readonly match: HttpMatch }
  | { readonly kind: 'same' | 'never' }
  | { readonly kind: 'inexpressible'; readonly what: string };

type Path = HttpMatch['path'];

const never = { kind: 'never' } as const;

/** What a policy's match leaves of a route's. */
export const combined = (match: HttpMatch, policy: PolicyMatch): Combined => {
  const path = policy.path === undefined ? match.path : pathOfBoth(match.path, policy.path);
  if (path === undefined) return never;
  if (path === 'inexpressible')
    return { kind: 'inexpressible', what: `path ${policy.path?.value ?? ''} and path ${match.path.value} of the route` };
  if (policy.method !== undefined && match.method !== undefined && policy.method !== match.method) return never;
  const headers = valuesOfBoth([...match.headers, ...prefixBeside(match.path, policy.path)], policy.headers);
  const queryParams = valuesOfBoth(match.queryParams, policy.queryParams);
  if (headers === undefined || queryParams === undefined) return never;
  const method = match.method ?? policy.method;
  const peers = policy.peer === undefined ? match.peers : [...(match.peers ?? []), policy.peer];
  const isSame =
    samePath(path, match.path) &&
    method === match.method &&
    headers.length === match.headers.length &&
    queryParams.length === match.queryParams.length &&
    peers === match.peers;
  if (isSame) return { kind: 'same' };
  const both = { ...match, path, headers, queryParams };
  return { kind: 'some', match: { ...both, ...(method === undefined ? {} : { method }), ...(peers === undefined ? {} : { peers }) } };
};

const samePath = (one: Path, other: Path): boolean => one.type === other.type && one.value === other.value;

/** Undefined where no path is both. */
const pathOfBoth = (one: Path, other: Path): Path | 'inexpressible' | undefined => {
  if (samePath(one, other) || isAny(other)) return one;
  if (isAny(one)) return other;
  if (one.type === 'exact') return holds(other, one.value) ? one : undefined;
  if (other.type === 'exact') return holds(one, other.value) ? other : undefined;
  if (one.type === 'regex' && other.type === 'regex') return 'inexpressible';
  if (one.type === 'regex' || other.type === 'regex') return one.type === 'regex' ? one : other;
  if (holds(other, one.value)) return one;
  return holds(one, other.value) ? other : undefined;
};

/** An expression and a prefix at once: Envoy takes one of them for the path, and the other, query included, for a header. */
const prefixBeside = (one: Path, other: Path | undefined): readonly ValueMatch[] => {
  if (other === undefined || isAny(one) || isAny(other) || (one.type === 'regex') === (other.type === 'regex')) return [];
  const prefix = [one, other].find(({ type }) => type === 'prefix');
  return prefix === undefined ? [] : [{ name: ':path', type: 'regex', value: `${quoted(prefix.value)}(?:[/?].*)?` }];
};

/** RE2 reads the result as the text itself. */
const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

const isAny = ({ type, value }: Path): boolean => type === 'prefix' && value === '/';

/** Whether a path is one of these. Expressions are matched as Envoy does: as a whole. */
const holds = ({ type, value }: Path, path: string): boolean => {
  if (type === 'exact') return path === value;
  if (type === 'regex') return RE2JS.compile(value).matcher(path).matches();
  return value === '/' || path === value || path.startsWith(`${value}/`);
};

/** Undefined where no value is both. Of one name there may be an exact value or several expressions, which all have to match. */
const valuesOfBoth = (ones: readonly ValueMatch[], others: readonly ValueMatch[]): readonly ValueMatch[] | undefined => {
  const both = new Map(ones.map((match) => [spelled(match), match]));
  for (const match of others) both.set(spelled(match), match);
  const all = [...both.values()];
  for (const exact of all) {
    if (exact.type !== 'exact') continue;
    for (const { name, type, value } of all) {
      if (name !== exact.name) continue;
      if (type === 'exact' ? value !== exact.value : !RE2JS.compile(value).matcher(exact.value).matches()) return undefined;
    }
  }
  return all;
};

const spelled = ({ name, type, value }: ValueMatch): string => `${name} ${type} ${value}`;
