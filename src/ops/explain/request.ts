/** One request as Envoy would see it, made from what a user types. */
export type Request = {
  readonly scheme: 'http' | 'https' | 'tls' | 'tcp' | 'udp';
  /** Lower case, without port: what SNI and, unless a Host header says otherwise, `:authority` carry. */
  readonly serverName: string;
  readonly port: number;
  readonly host: string;
  readonly method: string;
  /** Normalized, without the query. */
  readonly path: string;
  /** First value of each parameter, not decoded, as Envoy compares it. */
  readonly query: ReadonlyMap<string, string>;
  /** By lower-case name; several values of one name are joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
};

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, tls: 443 };

/** The request that a URL, a method and `name: value` headers describe; a string says what is wrong with them. */
export const requestFrom = (target: string, method: string, headerLines: readonly string[]): Request | string => {
  const url = URL.parse(target);
  if (url === null || url.hostname === '') return `${JSON.stringify(target)} is not a URL like http://host:port/path`;
  const scheme = url.protocol.slice(0, -1);
  if (!isScheme(scheme)) return `${url.protocol}// is none of http, https, tls, tcp, udp`;
  const port = url.port === '' ? defaultPorts[scheme] : Number(url.port);
  if (port === undefined) return `${scheme}:// needs a port`;
  const headers = new Map<string, string>();
  for (const line of headerLines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return `header ${JSON.stringify(line)} is not "name: value"`;
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    headers.set(name, headers.has(name) ? `${headers.get(name)},${value}` : value);
  }
  const serverName = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const host = headers.get('host') ?? headers.get(':authority') ?? url.hostname;
  return {
    scheme,
    serverName,
    port,
    host: host.toLowerCase().replace(/:\d+$/, ''),
    method: method.toUpperCase(),
    path: (url.pathname === '' ? '/' : url.pathname).replaceAll(/\/{2,}/g, '/'),
    query: queryOf(url.search),
    headers,
  };
};

const isScheme = (scheme: string): scheme is Request['scheme'] => ['http', 'https', 'tls', 'tcp', 'udp'].includes(scheme);

const queryOf = (search: string): ReadonlyMap<string, string> => {
  const query = new Map<string, string>();
  for (const pair of search.slice(1).split('&')) {
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    if (name !== '' && !query.has(name)) query.set(name, value);
  }
  return query;
};
