import type { HTTPPathModifier, HTTPRequestRedirectFilter, HTTPURLRewriteFilter } from '../../api/generated/gateway-api.ts';
import { present } from '../../lib/present.ts';
import type { PathRewrite, Redirect, Rewrite } from '../graph.ts';
import { invalid, type RuleScope } from './scope.ts';

export const redirectFrom = (filter: HTTPRequestRedirectFilter, field: string, scope: RuleScope): Redirect => ({
  ...present({
    scheme: filter.scheme,
    hostname: filter.hostname?.toLowerCase(),
    path: pathRewriteFrom(filter.path, `${field}.path`, scope),
    port: filter.port,
  }),
  statusCode: filter.statusCode,
});

export const rewriteFrom = (filter: HTTPURLRewriteFilter, field: string, scope: RuleScope): Rewrite =>
  present({ hostname: filter.hostname?.toLowerCase(), path: pathRewriteFrom(filter.path, `${field}.path`, scope) });

/** Any other character would end the path, or the request line. */
const path = /^[\x21-\x22\x24-\x3e\x40-\x7e]*$/;

/** A trailing slash of a prefix's replacement is ignored, as that of a prefix is; what is left may be empty. */
const pathRewriteFrom = (modifier: HTTPPathModifier | undefined, field: string, scope: RuleScope): PathRewrite | undefined => {
  if (modifier === undefined) return undefined;
  const full = modifier.type === 'ReplaceFullPath';
  const written = (full ? modifier.replaceFullPath : modifier.replacePrefixMatch) ?? '';
  if (!path.test(written)) invalid(scope, field, `"${written}" is not a path`);
  const value = written === '' || written.startsWith('/') ? written : `/${written}`;
  return full ? { type: 'full', value: value || '/' } : { type: 'prefix', value: value.replace(/\/+$/, '') };
};
