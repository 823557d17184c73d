/** Where to listen or connect; `host` without brackets. */
export type HostPort = { readonly host: string; readonly port: number };

/** What `HOST:PORT`, `[IPv6]:PORT` or `:PORT` (every IPv4 address) means; undefined for anything else. Port 0 lets the system choose. */
export const hostPortFrom = (text: string): HostPort | undefined => {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[A-Za-z0-9._-]*)):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port'] ?? Number.NaN);
  if (match === null || !(port <= 65_535)) return undefined;
  return { host: match.groups?.['v6'] ?? (match.groups?.['name'] || '0.0.0.0'), port };
};

export const hostPortText = ({ host, port }: HostPort): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
