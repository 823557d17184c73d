import type { GRPCMethodMatch, GRPCRouteMatch } from '../../api/generated/gateway-api.ts';
import type { HttpMatch } from '../graph.ts';
import { checkRegex, headerMatchesFrom } from './matches.ts';
import { invalid, type RuleScope } from './scope.ts';

/** One match of a GRPCRoute rule, as the HTTP/2 request it is: POST to `/service/method`. Without a method match, every gRPC request. */
export const grpcMatchFrom = (match: GRPCRouteMatch, field: string, scope: RuleScope): HttpMatch => ({
  path: pathFrom(match.method, `${field}.method`, scope),
  headers: headerMatchesFrom(match.headers, `${field}.headers`, scope),
  queryParams: [],
  grpc: true,
});

/** One path element: any service or any method. */
const any = '[^/]+';

const pathFrom = (match: GRPCMethodMatch | undefined, field: string, scope: RuleScope): HttpMatch['path'] => {
  const { service = '', method = '', type = 'Exact' } = match ?? {};
  if (service === '' && method === '') return { type: 'prefix', value: '/' };
  if (type === 'RegularExpression') return regexPathFrom(service, method, field, scope);
  if (type !== 'Exact') invalid(scope, `${field}.type`, `"${String(type)}" is not supported`);
  if (method === '') return { type: 'prefix', value: `/${service}` };
  if (service === '') return { type: 'regex', value: `/${any}/${quoted(method)}` };
  return { type: 'exact', value: `/${service}/${method}` };
};

const regexPathFrom = (service: string, method: string, field: string, scope: RuleScope): HttpMatch['path'] => {
  if (service !== '') checkRegex(service, `${field}.service`, scope);
  if (method !== '') checkRegex(method, `${field}.method`, scope);
  return { type: 'regex', value: `/${group(service)}/${group(method)}` };
};

const group = (pattern: string): string => (pattern === '' ? any : `(?:${pattern})`);

const quoted = (literal: string): string => literal.replace(/[^A-Za-z0-9_]/g, String.raw`\$&`);
