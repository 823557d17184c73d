import type { HTTPHeader, HTTPHeaderFilter } from '../../api/generated/gateway-api.ts';
import type { Header, HeaderChanges } from '../graph.ts';
import { invalid, type RuleScope } from './scope.ts';

export const noHeaderChanges: HeaderChanges = { set: [], add: [], remove: [] };

const headerName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

/** NUL, CR and LF end a header value on the wire. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const forbiddenInValue = /[\0\r\n]/;

/** A header as `set`, `add` or `remove` of a request or response may name it. */
type Use = { readonly of: 'request' | 'response'; readonly action: 'set' | 'add' | 'remove' };

/**
 * What a RequestHeaderModifier or ResponseHeaderModifier does, names in lower case. Of entries with one name in one list the first counts;
 * a name in two lists makes the rule invalid. `Host` can be set on requests and nothing else: every request has one, and only one.
 */
export const headerChangesFrom = (filter: HTTPHeaderFilter, of: Use['of'], field: string, scope: RuleScope): HeaderChanges => {
  const changes: HeaderChanges = {
    set: headersFrom(filter.set, { of, action: 'set' }, `${field}.set`, scope),
    add: headersFrom(filter.add, { of, action: 'add' }, `${field}.add`, scope),
    remove: [
      ...new Set((filter.remove ?? []).map((name, index) => nameFrom(name, { of, action: 'remove' }, `${field}.remove[${index}]`, scope))),
    ],
  };
  const names = [...changes.set.map(({ name }) => name), ...changes.add.map(({ name }) => name), ...changes.remove];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) invalid(scope, field, `only one action is permitted for header "${twice}"`);
  return changes;
};

const headersFrom = (headers: readonly HTTPHeader[] | undefined, use: Use, field: string, scope: RuleScope): readonly Header[] => {
  const byName = new Map<string, Header>();
  for (const [index, header] of (headers ?? []).entries()) {
    const name = nameFrom(header.name, use, `${field}[${index}].name`, scope);
    if (forbiddenInValue.test(header.value)) invalid(scope, `${field}[${index}].value`, 'a header value cannot span lines');
    if (!byName.has(name)) byName.set(name, { name, value: header.value });
  }
  return [...byName.values()];
};

const nameFrom = (name: string, { of, action }: Use, field: string, scope: RuleScope): string => {
  const lower = name.toLowerCase();
  if (!headerName.test(name)) invalid(scope, field, `"${name}" is not a header name`);
  else if (lower === 'host' && !(of === 'request' && action === 'set')) invalid(scope, field, 'Host can only be set, on requests');
  return lower;
};
