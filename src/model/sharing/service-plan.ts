import { present } from '../../lib/present.ts';
import type { Result } from '../../lib/result.ts';
import type { TlsSecret, TlsTermination } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import { type Candidate, type Left, routeText } from './candidates.ts';
import { type Ask, asksOf, type Mode, type Place, routeKeyOf, type SharedRoute, terminationAt } from './shared-routes.ts';

/** One port of a service, and what answers there. */
export type PlannedPort = {
  readonly port: number;
  /** `redirect`: to HTTPS, for the hosts of port 443. */
  readonly mode: Mode | 'redirect';
  readonly routes: readonly PlannedRoute[];
  /** Where TLS ends. */
  readonly tls?: TlsTermination;
};

export type PlannedRoute = { readonly shared: SharedRoute; readonly places: readonly Place[] };

export type ServicePlan = {
  /** That can be served, in order. */
  readonly ports: readonly PlannedPort[];
  /** Of the service on the tailnet, in order: those too that wait for a certificate. */
  readonly numbers: readonly number[];
  /** Whether the certificate of its MagicDNS name is used where there is one. */
  readonly usesMagicCertificate: boolean;
  /** Why the one that there is cannot be. */
  readonly broken?: Verdict;
  /** Why some of it cannot be served yet. */
  readonly waits?: Verdict;
  /** Routes that do not get a port they ask for. */
  readonly left: readonly Left[];
};

/** The certificate of a MagicDNS name; else, for users, what is wrong with what is in its Secret. */
export type MagicCertificate = Result<TlsSecret, string>;

/** What a service answers at which ports; of routes that want one port for different things the oldest has it. `obtained`: the certificate of its MagicDNS name. */
export const servicePlanOf = (candidate: Candidate, obtained: MagicCertificate | undefined): ServicePlan => {
  const { settings } = candidate.share;
  const { ports, left } = portsOf(candidate);
  const wantsMagic = settings.certificate !== 'Listener';
  const magic = wantsMagic && obtained?.ok === true ? obtained.value : undefined;
  const broken = wantsMagic && obtained?.ok === false ? certificateInvalid(obtained.problem) : undefined;
  const waiting = new Set<number>();
  const planned = [...ports.values()].flatMap((port): readonly PlannedPort[] => {
    if (port.mode !== 'https' && port.mode !== 'tls-end') return [port];
    const places = port.routes.flatMap((route) => route.places);
    const tls = terminationWith(settings.certificate === 'MagicDNS' ? [] : places, magic, places);
    if (tls !== undefined) return [{ ...port, tls }];
    if (port.mode === 'https' && !settings.redirect && !ports.has(80)) return [{ ...port, port: 80, mode: 'http' }];
    waiting.add(port.port);
    return [];
  });
  const https = planned.find(({ mode }) => mode === 'https') ?? (waiting.size > 0 ? ports.get(443) : undefined);
  const redirects = settings.redirect && https?.mode === 'https' && !ports.has(80);
  const served = redirects && !waiting.has(443) ? [...planned, { port: 80, mode: 'redirect', routes: https.routes } as const] : planned;
  const pending = wantsMagic ? [...waiting, ...(redirects && waiting.has(443) ? [80] : [])] : [];
  return {
    ports: served.toSorted((one, other) => one.port - other.port),
    numbers: [...served.map(({ port }) => port), ...pending].toSorted((one, other) => one - other),
    usesMagicCertificate:
      wantsMagic && [...ports.values()].some(({ mode }) => mode === 'https' || (mode === 'tls-end' && settings.certificate === 'MagicDNS')),
    ...present({ broken, waits: waiting.size === 0 ? undefined : (broken ?? certificateMissing(wantsMagic)) }),
    left,
  };
};

const certificateMissing = (wantsMagic: boolean): Verdict => ({
  reason: 'CertificateMissing',
  message: wantsMagic
    ? 'there is no certificate yet: attach the route to an HTTPS listener, or wait until the proxies have one for the MagicDNS name, for which HTTPS has to be enabled in the tailnet: the log of the first proxy says what keeps it from that'
    : 'none of its routes is on an HTTPS listener with a certificate, and services.certificate is Listener',
});

const certificateInvalid = (problem: string): Verdict => ({
  reason: 'CertificateInvalid',
  message: `${problem}: put the certificate of the MagicDNS name and its key there, or delete the Secret, so that the proxies obtain both anew`,
});

const terminationWith = (
  certified: readonly Place[],
  magic: TlsSecret | undefined,
  places: readonly Place[],
): TlsTermination | undefined => {
  const own = terminationAt(certified)?.certificates ?? [];
  const certificates = magic === undefined ? own : [...own, magic];
  return certificates.length === 0 ? undefined : { ...terminationAt(places), certificates };
};

type Ports = { readonly ports: ReadonlyMap<number, PlannedPort>; readonly left: readonly Left[] };

const portsOf = ({ name, routes, share }: Candidate): Ports => {
  const ports = new Map<number, PlannedPort & { readonly routes: PlannedRoute[] }>();
  const left: Left[] = [];
  for (const shared of routes) {
    const asks = asksOf(shared, share.settings.protocol === 'HTTP' ? 'http' : 'https');
    if (asks.length === 0)
      left.push({ what: routeKeyOf(shared), reason: 'ListenerNotServed', message: 'none of its listeners can be served' });
    for (const ask of asks) {
      const holder = ports.get(ask.port);
      if (holder === undefined) ports.set(ask.port, { port: ask.port, mode: ask.mode, routes: [{ shared, places: ask.places }] });
      else if (canJoin(holder, ask)) holder.routes.push({ shared, places: ask.places });
      else left.push({ what: routeKeyOf(shared), reason: 'PortConflict', message: portConflict(ask, name, holder) });
    }
  }
  return { ports, left };
};

/** Hosts and server names tell routes apart, bytes do not. */
const canJoin = (holder: PlannedPort, { mode }: Ask): boolean => holder.mode === mode && mode !== 'tcp';

const portConflict = ({ port }: Ask, name: string, { routes }: PlannedPort): string =>
  `port ${port} of ${name} is that of the older ${routes[0] === undefined ? 'route' : routeText(routes[0].shared)}`;
