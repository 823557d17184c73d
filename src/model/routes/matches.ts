import type { HTTPPathMatch, HTTPRouteMatch } from '../../api/generated/gateway-api.ts';
import type { HttpMatch, ValueMatch } from '../graph.ts';
import { regexProblem } from './regex.ts';
import { invalid, type RuleScope } from './scope.ts';

const pathTypes: Readonly<Record<string, HttpMatch['path']['type']>> = { Exact: 'exact', PathPrefix: 'prefix', RegularExpression: 'regex' };
const valueTypes: Readonly<Record<string, ValueMatch['type']>> = { Exact: 'exact', RegularExpression: 'regex' };

/** One match of an HTTPRoute rule. What is wrong with it goes to the scope's findings; the result then counts for nothing. */
export const httpMatchFrom = (match: HTTPRouteMatch, field: string, scope: RuleScope): HttpMatch => ({
  path: pathMatchFrom(match.path, `${field}.path`, scope),
  ...(match.method === undefined ? {} : { method: match.method }),
  headers: headerMatchesFrom(match.headers, `${field}.headers`, scope),
  queryParams: queryParamMatchesFrom(match.queryParams, `${field}.queryParams`, scope),
  grpc: false,
});

/** A prefix has no trailing slash, unless it is one. */
export const pathMatchFrom = ({ type, value }: HTTPPathMatch, field: string, scope: RuleScope): HttpMatch['path'] => {
  const known = pathTypes[type];
  if (known === undefined) invalid(scope, `${field}.type`, `"${type}" is not supported`);
  if (known === 'regex') checkRegex(value, `${field}.value`, scope);
  return { type: known ?? 'exact', value: known === 'prefix' ? withoutTrailingSlash(value) : value };
};

const withoutTrailingSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);

/** Records an invalid pattern. */
export const checkRegex = (pattern: string, field: string, scope: RuleScope): void => {
  const problem = regexProblem(pattern);
  if (problem !== undefined) invalid(scope, field, `invalid regular expression: ${problem}`);
};

type NamedMatch = { readonly name: string; readonly type: string; readonly value: string };

/** Header names are equal whatever their case. */
export const headerMatchesFrom = (matches: readonly NamedMatch[] | undefined, field: string, scope: RuleScope): readonly ValueMatch[] =>
  valueMatchesFrom(matches, field, scope, (name) => name.toLowerCase());

/** Names of query parameters differ by case. */
export const queryParamMatchesFrom = (matches: readonly NamedMatch[] | undefined, field: string, scope: RuleScope): readonly ValueMatch[] =>
  valueMatchesFrom(matches, field, scope, (name) => name);

/** Of several entries with one name the first counts, as the specification has it for headers and query parameters alike. */
const valueMatchesFrom = (
  matches: readonly NamedMatch[] | undefined,
  field: string,
  scope: RuleScope,
  canonical: (name: string) => string,
): readonly ValueMatch[] => {
  const byName = new Map<string, ValueMatch>();
  for (const [index, match] of (matches ?? []).entries()) {
    const name = canonical(match.name);
    if (byName.has(name)) continue;
    const type = valueTypes[match.type];
    if (type === undefined) invalid(scope, `${field}[${index}].type`, `"${match.type}" is not supported`);
    if (type === 'regex') checkRegex(match.value, `${field}[${index}].value`, scope);
    byName.set(name, { name, type: type ?? 'exact', value: match.value });
  }
  return [...byName.values()];
};
