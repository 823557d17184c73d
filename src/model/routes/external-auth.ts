import type { HTTPExternalAuthFilter } from '../../api/generated/gateway-api.ts';
import type { ExternalAuth } from '../graph.ts';
import { backendFrom } from './backend-ref.ts';
import type { RuleScope } from './scope.ts';

/** Who is asked before a request goes on; undefined, and a finding, when that cannot be resolved: no request may pass then. */
export const externalAuthFrom = (filter: HTTPExternalAuthFilter, field: string, scope: RuleScope): ExternalAuth | undefined => {
  const need = { use: filter.protocol === 'GRPC' ? 'grpc' : 'http', policies: true } as const;
  const backend = backendFrom(filter.backendRef, need, `${field}.backendRef`, scope);
  if (backend === undefined) return undefined;
  const path = filter.http?.path ?? '';
  return {
    backend,
    protocol: filter.protocol,
    ...(path === '' ? {} : { pathPrefix: path.startsWith('/') ? path : `/${path}` }),
    allowedRequestHeaders: headerNames(filter.protocol === 'GRPC' ? filter.grpc?.allowedHeaders : filter.http?.allowedHeaders),
    allowedResponseHeaders: headerNames(filter.http?.allowedResponseHeaders),
    maxBodyBytes: filter.forwardBody?.maxSize ?? 0,
  };
};

const headerNames = (names: readonly string[] | undefined): readonly string[] => [
  ...new Set((names ?? []).map((name) => name.toLowerCase()).filter((name) => name !== '')),
];
