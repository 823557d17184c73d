import { ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { refuse } from './reply.ts';
import type { Refusal } from './reply.ts';

/** An HTTP request as a value. `path` is still percent-encoded and without query; header names are lower-case; `now` is milliseconds since 1970. */
export type Request = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly now: number;
};

type Params = Readonly<Record<string, string>>;

/**
 * The first route for a method and path, with what its `:name` segments stood for, decoded. 404 when no route has the path, 405 when
 * none has the method, 400 for escapes that are none. An empty segment matches nothing.
 */
export const routeFor = <T extends readonly [method: string, path: string, ...rest: readonly unknown[]]>(
  routes: readonly T[],
  method: string,
  path: string,
): Result<{ readonly route: T; readonly params: Params }, Refusal> => {
  const segments = path.split('/');
  const matching = routes.flatMap((route) => {
    const params = paramsOf(route[1].split('/'), segments);
    return params === undefined ? [] : [{ route, params }];
  });
  const found = matching.find(({ route }) => route[0] === method);
  if (found === undefined) return matching.length === 0 ? refuse(404, '404 page not found') : refuse(405, 'method not allowed');
  const params = decoded(found.params);
  return params === undefined ? refuse(400, 'invalid escape in path') : ok({ route: found.route, params });
};

/** A body as JSON; undefined when there is none; 400 when it is not JSON. */
export const jsonOf = (body: string): Result<unknown, Refusal> => {
  if (body === '') return ok(undefined);
  try {
    return ok(JSON.parse(body));
  } catch {
    // The parser's message quotes the body, which may hold a secret.
    return refuse(400, 'invalid JSON in request body');
  }
};

const paramsOf = (pattern: readonly string[], segments: readonly string[]): Params | undefined => {
  if (pattern.length !== segments.length) return undefined;
  const matches = pattern.every((part, i) => (part.startsWith(':') ? segments[i] !== '' : part === segments[i]));
  return matches
    ? Object.fromEntries(pattern.flatMap((part, i) => (part.startsWith(':') ? [[part.slice(1), segments[i] ?? '']] : [])))
    : undefined;
};

const decoded = (params: Params): Params | undefined => {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
};
