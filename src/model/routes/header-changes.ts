import type { HTTPHeader, HTTPHeaderFilter } from '../../api/generated/gateway-api.ts';
import type { Header, HeaderChanges } from '../graph.ts';
import { invalid, type RuleScope } from './scope.ts';

export const noHeaderChanges: HeaderChanges = { set: [], add: [], remove: [] };

const headerName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

/** NUL, CR and LF end a header value on the wire. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const forbiddenInValue = /[\0\r\n]/;

/**
 * What a RequestHeaderModifier or ResponseHeaderModifier does, names in lower case. Of entries with one name in one list the first counts;
 * a name in two lists makes the rule invalid, as does `Host`, which is no header to Envoy but where the request goes.
 */
export const headerChangesFrom = (filter: HTTPHeaderFilter, field: string, scope: RuleScope): HeaderChanges => {
  const changes: HeaderChanges = {
    set: headersFrom(filter.set, `${field}.set`, scope),
    add: headersFrom(filter.add, `${field}.add`, scope),
    remove: [...new Set((filter.remove ?? []).map((name, index) => nameFrom(name, `${field}.remove[${index}]`, scope)))],
  };
  const names = [...changes.set.map(({ name }) => name), ...changes.add.map(({ name }) => name), ...changes.remove];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) invalid(scope, field, `only one action is permitted for header "${twice}"`);
  return changes;
};

const headersFrom = (headers: readonly HTTPHeader[] | undefined, field: string, scope: RuleScope): readonly Header[] => {
  const byName = new Map<string, Header>();
  for (const [index, header] of (headers ?? []).entries()) {
    const name = nameFrom(header.name, `${field}[${index}].name`, scope);
    if (forbiddenInValue.test(header.value)) invalid(scope, `${field}[${index}].value`, 'a header value cannot span lines');
    if (!byName.has(name)) byName.set(name, { name, value: header.value });
  }
  return [...byName.values()];
};

const nameFrom = (name: string, field: string, scope: RuleScope): string => {
  const lower = name.toLowerCase();
  if (!headerName.test(name)) invalid(scope, field, `"${name}" is not a header name`);
  else if (lower === 'host') invalid(scope, field, 'Host cannot be modified here; a URLRewrite filter with a hostname does that');
  return lower;
};
