/** What ingress proxies serve: `serve-config.json` (`ipn.ServeConfig`), plain JSON. Whatever is wrong in it ends containerboot, so nothing unchecked gets in. */
import { hostPortFrom, hostPortText } from '../../../src/lib/host-port.ts';
import { byCodeUnit } from '../../../src/lib/key.ts';
import type { HostedPort, HostedService } from '../../../src/model/proxy-set.ts';
import { fields, parsed } from './json.ts';
import { healthPort } from './layout.ts';

/** Where a port leads, and whether who comes is told there (PROXY protocol, version 2). */
export type ServeEntry = {
  readonly host: string;
  readonly port: number;
  readonly proxyProtocol: boolean;
  /** MagicDNS name of which a certificate is to be had: TLS ends at the proxy there, and leads nowhere. */
  readonly certificate?: string;
};

/** By service and port. `other`: of a kind that is none of ours, as HTTP; tailscaled ends rather than change it in place. */
export type Serving = ReadonlyMap<string, ReadonlyMap<number, ServeEntry | 'other'>>;

/** What we write: nothing but ports that are passed on. */
export type Forwarding = ReadonlyMap<string, ReadonlyMap<number, ServeEntry>>;

export const serveConfigFile = 'serve-config.json';

/** Where nobody answers: peers would reach what listens on the pod's loopback at the node's own address otherwise. */
const deadEnd = { host: '127.0.0.1', port: 1 } as const;

/**
 * Text of the file, the same for the same ports. Throws where `serviceProblem` would have something to say. With `open` the node's own address has no
 * dead end, as on kernel proxies: loopback is out of their peers' reach, and tailscaled tries for ever to listen where the pod does.
 */
export const serveConfigFrom = (forwarding: Forwarding, open = false): string => {
  const services = [...forwarding]
    .filter(([, ports]) => ports.size > 0)
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .map(([name, ports]) => {
      const problem = serviceProblem(name, ports);
      if (problem !== undefined) throw new Error(`unreachable: ${name} ${problem}`);
      const entries = [...ports].toSorted(([one], [other]) => one - other).map(([port, entry]) => [String(port), writtenFrom(entry)]);
      return [name, { TCP: Object.fromEntries(entries) }];
    });
  const closed = open ? {} : { TCP: { [healthPort]: { TCPForward: hostPortText(deadEnd) } } };
  return JSON.stringify({ ...closed, Services: Object.fromEntries(services) });
};

const writtenFrom = (entry: ServeEntry): object => ({
  TCPForward: hostPortText(entry),
  ...(entry.proxyProtocol ? { ProxyProtocol: 2 } : {}),
  ...(entry.certificate === undefined ? {} : { TerminateTLS: entry.certificate }),
});

export const entryFrom = ({ host, port, envoy }: HostedPort): ServeEntry => ({ host, port, proxyProtocol: envoy !== undefined });

export const certificateEntryFrom = (name: string): ServeEntry => ({ ...deadEnd, proxyProtocol: false, certificate: name });

export const sameEntry = (one: ServeEntry | 'other' | undefined, other: ServeEntry): boolean =>
  typeof one === 'object' &&
  one.host === other.host &&
  one.port === other.port &&
  one.proxyProtocol === other.proxyProtocol &&
  one.certificate === other.certificate;

/** What tailscaled does not let change in place. Two that end TLS, or two that do not, are of one kind. */
export const sameKind = (one: ServeEntry | 'other', other: ServeEntry): boolean =>
  one !== 'other' && (one.certificate === undefined) === (other.certificate === undefined);

/**
 * Why a service cannot be served, in words that follow its name; undefined when it can. Names as `tailcfg.ServiceName` has them: a DNS label
 * after `svc:`.
 */
export const serviceProblem = (name: string, ports: HostedService['ports'] | ReadonlyMap<number, ServeEntry>): string | undefined => {
  if (!/^svc:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return 'is no name of a service: it takes svc: and a DNS label after it';
  for (const [port, target] of ports) {
    if ('certificate' in target && target.certificate !== undefined && !isName(target.certificate))
      return `cannot have a certificate of ${target.certificate}: that is no DNS name`;
    if (!isPort(port)) return `cannot have port ${port}: it takes a number from 1 to 65535`;
    if (!isPort(target.port) || !isHost(target.host))
      return `cannot lead from port ${port} to ${hostPortText(target)}: that is no host and port`;
  }
  return undefined;
};

/** An IPv6 address would be anything between brackets otherwise. */
const isHost = (host: string): boolean => (host.includes(':') ? URL.canParse(`http://[${host}]`) : /^[A-Za-z0-9._-]+$/.test(host));

const isName = (name: string): boolean =>
  name.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/.test(name);

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** What such a file serves, ours or as tailscaled keeps it; nothing where it cannot be read. */
export const readServeConfig = (text: string): Serving =>
  new Map(
    Object.entries(fields(fields(parsed(text))['Services'])).map(([name, service]) => {
      const { TCP, Web, Tun } = fields(service);
      const ports = Object.entries(fields(TCP)).map(([port, handler]) => [Number(port), entryIn(handler)] as const);
      const strange = (Tun === true || Object.keys(fields(Web)).length > 0) && ports.length === 0 ? [[0, 'other'] as const] : [];
      return [name, new Map([...ports, ...strange])];
    }),
  );

const entryIn = (handler: unknown): ServeEntry | 'other' => {
  const { TCPForward, ProxyProtocol = 0, TerminateTLS = '' } = fields(handler);
  const target = typeof TCPForward === 'string' ? hostPortFrom(TCPForward) : undefined;
  if (typeof TerminateTLS === 'string' && isName(TerminateTLS) && TCPForward === hostPortText(deadEnd))
    return certificateEntryFrom(TerminateTLS);
  if (target === undefined || TerminateTLS !== '' || (ProxyProtocol !== 0 && ProxyProtocol !== 2)) return 'other';
  return { ...target, proxyProtocol: ProxyProtocol === 2 };
};
