import { byCodeUnit } from '../../src/lib/key.ts';
import type { RouteEntry, VirtualHost as Host } from '../../src/model/graph.ts';
import type { Route, VirtualHost } from '../types.ts';
import { safeRetries } from './retry-policy.ts';

/** What one host name answers, by `routesOf` its entries; 404 where none matches. */
export const virtualHostFrom = ({ domain, entries }: Host, routesOf: (entry: RouteEntry) => readonly Route[]): VirtualHost => ({
  name: domain,
  domains: [domain],
  routes: entries.flatMap(routesOf),
  retryPolicy: entries.length === 0 ? undefined : safeRetries,
});

/** For names that another listener of the port serves: 421 sends clients to a connection with the right server name (RFC 9110, 15.5.20). */
export const misdirectedHostFrom = (domains: readonly string[]): VirtualHost => ({
  name: 'misdirected',
  domains: domains.toSorted(byCodeUnit),
  routes: [{ name: 'misdirected', match: { prefix: '/' }, directResponse: { status: 421 } }],
});
