import { changesBetween } from '../../src/lib/changes.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { areSame, memo } from '../../src/lib/memo.ts';
import type { HttpListener, VirtualHost as Host } from '../../src/model/graph.ts';
import { any } from '../any.ts';
import type { HttpConnectionManager, TypedExtensionConfig } from '../types.ts';
import { adsSource } from './config-source.ts';
import type { Answering, Answers } from './route-configuration.ts';

/**
 * Very many hosts of one RouteConfiguration in parts, because Envoy reads a changed RouteConfiguration as a whole: 70 ms for 3,000 hosts,
 * of whichever one changed. Which part a request belongs to is a function of its host's letters, so Envoy can tell without a list, and each
 * part holds all wildcard hosts, so no request needs a second part. docs/decisions/0006-routes-in-parts.md has figures and alternatives.
 */

/** Exact hosts from which on one whole costs more per change than parts cost per request. */
const hostsAtLeast = 256;

/** Counted modulo 2, each of these sets of letters says one bit of a host's scope. They are ranges, so that Envoy's RE2 programs stay small. */
const lettersOf: readonly (readonly [counted: string, others: string])[] = [
  ['5-9N-Zn-z', '.0-4A-Ma-m-'],
  ['3-7G-Sg-s', '.0-289A-FT-Za-ft-z-'],
  ['12569B-FO-Sb-fo-s', '.03478AG-NT-Zag-nt-z-'],
  ['.02468I-Mi-m', '13579A-HN-Za-hn-z-'],
  ['0369D-FJ-LP-RV-Xd-fj-lp-rv-x-', '.124578A-CG-IM-OS-UYZa-cg-im-os-uyz'],
];

/** Matches an even number of counted letters before the port. The same text for JavaScript and RE2; neither goes back on its way. */
const evens = lettersOf.map(([counted, others]) => `^(?:[${others}]|[${counted}][${others}]*[${counted}])*(?::|$)`);
const evenPatterns = evens.map((pattern) => new RegExp(pattern));

/** Every scope there is: `00000` to `11111`. */
export const scopes: readonly string[] = Array.from({ length: 2 ** evens.length }, (_, index) =>
  index.toString(2).padStart(evens.length, '0'),
);

/** The scope of requests for a host, in whatever case and with whatever port they name it. */
export const scopeOf = (host: string): string => evenPatterns.map((pattern) => (pattern.test(host) ? '1' : '0')).join('');

/** Whether listeners have so many hosts that Envoy is to hold them in parts. Few of them may be wildcards, which every part repeats. */
export const isScoped = (listeners: Answering): boolean => {
  const hosts = listeners.reduce((sum, { virtualHosts }) => sum + virtualHosts.length, 0);
  if (hosts < hostsAtLeast) return false;
  const wide = listeners.reduce((sum, listener) => sum + wideOn(listener), 0);
  return hosts - wide >= Math.max(hostsAtLeast, wide * scopes.length);
};

const isWide = ({ domain }: Host): boolean => domain.startsWith('*');
const wideOn = memo(({ virtualHosts }: HttpListener): number => virtualHosts.filter(isWide).length);
const exactScopeOf = memo((host: Host): string | undefined => (isWide(host) ? undefined : scopeOf(host.domain)));

type Parts = ReadonlyMap<string, Answers>;

/**
 * Gives what each scope answers, from call to call: its own exact hosts, and everything that is for more than one host. Hosts come in any order.
 * A part that answers the same is the same object, and of thousands of hosts those that changed are looked at.
 */
export const partsMaker = (): ((answers: Answers) => Parts) => {
  let last: { readonly answers: Answers; readonly parts: Parts } | undefined;
  return (answers) => {
    const parts = (last && patchedParts(last.parts, last.answers, answers)) ?? partsOf(answers, last?.parts);
    last = { answers, parts };
    return parts;
  };
};

const partsOf = ({ hosts, misdirected }: Answers, before: Parts | undefined): Parts => {
  const parts = new Map(scopes.map((scope) => [scope, [] as Host[]]));
  for (const host of hosts) {
    const scope = exactScopeOf(host);
    if (scope !== undefined) parts.get(scope)?.push(host);
    else for (const part of parts.values()) part.push(host);
  }
  return new Map(
    [...parts].map(([scope, unsorted]) => {
      const own = unsorted.toSorted(byDomain);
      const last = before?.get(scope);
      const isSame = last !== undefined && areSame(last.hosts, own) && areSame(last.misdirected, misdirected);
      return [scope, isSame ? last : { hosts: own, misdirected }];
    }),
  );
};

/** Undefined where more has changed than some exact hosts. */
const patchedParts = (parts: Parts, before: Answers, after: Answers): Parts | undefined => {
  if (!areSame(before.misdirected, after.misdirected)) return undefined;
  const { removed, added } = changesBetween(before.hosts, after.hosts);
  if (removed.some(isWide) || added.some(isWide)) return undefined;
  const gone = new Set(removed);
  const next = new Map(parts);
  for (const scope of new Set([...removed, ...added].map(exactScopeOf))) {
    const part = scope === undefined ? undefined : parts.get(scope);
    if (scope === undefined || part === undefined) return undefined;
    const came = added.filter((host) => exactScopeOf(host) === scope);
    next.set(scope, { ...part, hosts: [...part.hosts.filter((host) => !gone.has(host)), ...came].toSorted(byDomain) });
  }
  return next;
};

/** The order of hosts in a RouteConfiguration, where each domain is there once. */
export const byDomain = (one: Host, other: Host): number => byCodeUnit(one.domain, other.domain);

/** One part's name, which is also what requests for it carry in `scopeHeader`. */
export const partName = (routes: string, scope: string): string => `${routes}/${scope}`;

/** Set by Envoy itself before it routes, whatever the client sent, and taken away again before a backend sees it. */
export const scopeHeader = 'x-tailplane-scope';

/** How a connection manager finds the part: Envoy looks for scopes by the value of a header only, so it is made to write one. */
export const scopedRoutesFrom = (
  routes: string,
): Pick<HttpConnectionManager, 'scopedRoutes'> & { readonly scopeMutation: readonly TypedExtensionConfig[] } => ({
  scopedRoutes: {
    name: routes,
    scopeKeyBuilder: { fragments: [{ headerValueExtractor: { name: scopeHeader, index: 0 } }] },
    rdsConfigSource: adsSource,
    // Envoy makes a listener wait for a subscription of its own only, and shares one between equal sources: so no two are.
    scopedRds: { scopedRdsConfigSource: { ...adsSource, authorities: [{ name: routes }] } },
  },
  scopeMutation: [scopeMutation(partName(routes, scopeExpression))],
});

const scopeExpression = evens.map((pattern) => `%CEL(request.host.matches("${pattern}") ? "1" : "0")%`).join('');

const scopeMutation = (value: string): TypedExtensionConfig => ({
  name: 'envoy.http.early_header_mutation.header_mutation',
  typedConfig: any('envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
    mutations: [{ append: { header: { key: scopeHeader, value }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' } }],
  }),
});
