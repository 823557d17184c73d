import { any } from '../any.ts';
import type { Cors, HttpMatch } from '../../src/model/graph.ts';
import type { Any, HeaderMatcher, StringMatcher } from '../types.ts';
import { quoted } from './path-rewrite.ts';

/** Gateway API `HTTPCORSFilter`, as the `cors` filter's configuration of one route. An origin that is not allowed gets no CORS header. */
export const corsPolicyFrom = (cors: Cors): Any =>
  any('envoy.extensions.filters.http.cors.v3.CorsPolicy', {
    allowOriginStringMatch: cors.allowOrigins.map(originFrom),
    allowMethods: listed(cors.allowMethods),
    allowHeaders: listed(cors.allowHeaders),
    exposeHeaders: listed(cors.exposeHeaders),
    maxAge: String(cors.maxAgeSeconds),
    allowCredentials: cors.allowCredentials,
    // A preflight is a question to the gateway: a backend that does not know it would answer for another policy, or not at all.
    forwardNotMatchingPreflights: false,
  });

/**
 * Which preflights ask about requests this match would take, where it would not take the preflight itself because it names another
 * method. Nothing where it takes them anyway.
 */
export const preflightOf = ({ method, ...match }: HttpMatch): { match: HttpMatch; headers: readonly HeaderMatcher[] } | undefined => {
  if (method === undefined || method === 'OPTIONS') return undefined;
  return {
    match: { ...match, method: 'OPTIONS' },
    headers: [
      { name: 'origin', presentMatch: true },
      { name: 'access-control-request-method', stringMatch: { exact: method } },
    ],
  };
};

/** `*` in an origin stands for any number of labels, or a port: never for the whole of scheme, host and port. */
const originFrom = (origin: string): StringMatcher => {
  if (origin === '*') return { safeRegex: { regex: '.*' } };
  return origin.includes('*') ? { safeRegex: { regex: origin.split('*').map(quoted).join('[^/]+') } } : { exact: origin };
};

const listed = (names: readonly string[]): string | undefined => (names.length === 0 ? undefined : names.join(', '));
