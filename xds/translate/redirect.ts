import type { HttpMatch, Redirect } from '../../src/model/graph.ts';
import type { HeaderMatcher, RedirectAction } from '../types.ts';
import { fullPathFrom, prefixRewriteFrom } from './path-rewrite.ts';

/** Where requests come in, as clients see it: what a redirect is relative to. */
export type Front = { readonly scheme: 'http' | 'https'; readonly port: number };

const wellKnownPorts = { http: 80, https: 443 } as const;

const responseCodes = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
} as const satisfies Record<Redirect['statusCode'], RedirectAction['responseCode']>;

/**
 * Gateway API `HTTPRequestRedirectFilter`. The port is the one written; else the well-known one of the scheme, if that is written; else
 * the listener's. A port that goes without saying is not said: then `Location` has the port of the request's Host, if it has one. Of `written` see
 * `prefixRewriteFrom`.
 */
export const redirectFrom = (path: HttpMatch['path'], redirect: Redirect, front: Front, written?: HttpMatch['path']): RedirectAction => {
  const port = portOf(redirect, front);
  return {
    schemeRedirect: redirect.scheme,
    hostRedirect: redirect.hostname,
    portRedirect: port === wellKnownPorts[schemeOf(redirect, front)] ? undefined : port,
    ...pathFrom(path, redirect, written),
    responseCode: responseCodes[redirect.statusCode],
  };
};

/**
 * What requests are to be redirected by `redirectToSaidPort` instead: a Host with a port that belonged to another scheme
 * (`localhost:8080` when going to https). Envoy itself drops the old scheme's well-known port. Nothing where this cannot happen.
 */
export const carriesStalePort = (redirect: Redirect, front: Front): readonly HeaderMatcher[] | undefined => {
  const scheme = schemeOf(redirect, front);
  if (redirect.hostname !== undefined || scheme === front.scheme || portOf(redirect, front) !== wellKnownPorts[scheme]) return undefined;
  return [
    { name: ':authority', stringMatch: { safeRegex: { regex: '.*:[0-9]+' } } },
    { name: ':authority', stringMatch: { suffix: `:${wellKnownPorts[front.scheme]}` }, invertMatch: true },
  ];
};

/** `redirectFrom`, with the port in `Location` even where it goes without saying. */
export const redirectToSaidPort = (
  path: HttpMatch['path'],
  redirect: Redirect,
  front: Front,
  written?: HttpMatch['path'],
): RedirectAction => ({
  ...redirectFrom(path, redirect, front, written),
  portRedirect: portOf(redirect, front),
});

const schemeOf = (redirect: Redirect, front: Front): 'http' | 'https' => redirect.scheme ?? front.scheme;

const portOf = (redirect: Redirect, front: Front): number =>
  redirect.port ?? (redirect.scheme === undefined ? front.port : wellKnownPorts[redirect.scheme]);

const pathFrom = (matched: HttpMatch['path'], { path }: Redirect, written: HttpMatch['path'] | undefined): RedirectAction => {
  if (path === undefined) return {};
  return path.type === 'full' ? { pathRedirect: fullPathFrom(path.value) } : prefixRewriteFrom(matched, path, written);
};
