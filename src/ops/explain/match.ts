import { RE2JS } from 're2js';
import type { HttpMatch, ValueMatch } from '../../model/graph.ts';
import { type Asker, peerMismatch } from './identity.ts';
import type { Request } from './request.ts';

/** Why a request does not match; undefined when it does. Compares as the Envoy routes made from the match do. */
export const mismatch = (match: HttpMatch, request: Request, asker: Asker = 'unknown'): string | undefined => {
  if (!pathMatches(match.path, request.path)) return `path ${request.path} is not ${match.path.type} ${match.path.value}`;
  if (match.method !== undefined && match.method !== request.method) return `method ${request.method} is not ${match.method}`;
  const contentType = request.headers.get('content-type') ?? '';
  if (match.grpc && !/^application\/grpc(?:$|[+;])/.test(contentType)) return 'not a gRPC request (content-type application/grpc)';
  return (
    firstMismatch('header', match.headers, (name) => (name === 'host' ? request.host : request.headers.get(name))) ??
    firstMismatch('query parameter', match.queryParams, (name) => request.query.get(name)) ??
    peerMismatch(match.peers ?? [], asker)
  );
};

const pathMatches = ({ type, value }: HttpMatch['path'], path: string): boolean => {
  switch (type) {
    case 'exact':
      return path === value;
    case 'prefix':
      return value === '/' || path === value || path.startsWith(`${value}/`);
    case 'regex':
      return RE2JS.matches(value, path);
  }
};

const firstMismatch = (what: string, matches: readonly ValueMatch[], valueOf: (name: string) => string | undefined): string | undefined => {
  for (const { name, type, value } of matches) {
    const actual = valueOf(name);
    if (actual === undefined) return `${what} ${name} is absent`;
    if (type === 'exact' ? actual !== value : !RE2JS.matches(value, actual))
      return `${what} ${name}=${actual} is not ${type === 'exact' ? value : `regex ${value}`}`;
  }
  return undefined;
};
