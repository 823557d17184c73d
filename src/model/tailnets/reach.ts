import type { HealthCheck as WrittenCheck } from '../../api/generated/tailscale.ts';
import { millisecondsOf } from '../../lib/duration.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { present } from '../../lib/present.ts';
import type { Backend, BackendTls, HealthCheck, Reach } from '../graph.ts';
import type { Carrier } from './carriers.ts';
import { nameIn, nameOfExternal, type Written } from './ports.ts';

/** Machines that are reached in one way. */
export type Path = { readonly carrier: Carrier; readonly written: readonly Written[] };

export type ReachNeeds = {
  readonly paths: readonly Path[];
  readonly protocol: Backend['protocol'];
  readonly balancing: Reach['balancing'];
  readonly healthCheck: WrittenCheck | undefined;
};

/**
 * How a backend is reached that takes all of these paths. It follows from what users wrote alone: machines, proxies and tailnets may come and go.
 * Where nothing is checked actively, Envoy leaves alone what fails.
 */
export const reachOf = ({ paths, protocol, balancing, healthCheck }: ReachNeeds): Reach => {
  const form = protocol === 'udp' ? 'plain' : formOf(paths);
  const check = form === 'tunnelled' || protocol === 'udp' ? undefined : checkFrom(healthCheck, paths);
  const sets = form === 'tunnelled' ? setsOf(paths) : undefined;
  return present({ form, sets, balancing, healthCheck: check, outlierDetection: check === undefined && protocol !== 'udp' });
};

/**
 * With plain addresses of proxied targets a target can have one proxy, so whatever has more is tunnelled, and so is what several sets of proxies
 * lead to: the same address may be two machines of two tailnets.
 */
const formOf = (paths: readonly Path[]): Reach['form'] => {
  const sets = setsOf(paths);
  if (paths.some(needsTunnel) || sets.length > 1) return 'tunnelled';
  return sets.length === 1 ? 'proxied' : 'plain';
};

const setsOf = (paths: readonly Path[]): readonly string[] =>
  [...new Set(paths.flatMap(({ carrier }) => (carrier.mode === 'connect' ? [carrier.set] : [])))].toSorted(byCodeUnit);

const needsTunnel = ({ carrier, written }: Path): boolean =>
  (carrier.mode === 'connect' && (carrier.replicas !== 1 || written.some(isNameOnly))) ||
  written.some(({ externalTarget }) => externalTarget !== undefined && nameOfExternal(externalTarget) !== undefined);

const isNameOnly = ({ externalTarget, tailscaleIP, tailscaleFQDN }: Written): boolean =>
  externalTarget === undefined && tailscaleIP === undefined && tailscaleFQDN !== undefined;

const checkFrom = (written: WrittenCheck | undefined, paths: readonly Path[]): HealthCheck | undefined => {
  if (written?.enabled !== true) return undefined;
  const isOpaque = paths.some((path) => path.written.some(({ protocol }) => protocol === 'TLS'));
  return present({
    // Bytes that are encrypted for somebody else cannot be asked by HTTP.
    path: isOpaque ? undefined : written.path,
    intervalMs: millisecondsOf(written.interval),
    timeoutMs: millisecondsOf(written.timeout),
    healthyThreshold: written.healthyThreshold,
    unhealthyThreshold: written.unhealthyThreshold,
  });
};

/** The first check that is asked for: Envoy has one for all endpoints of a backend. */
export const checkIn = (written: readonly Written[]): WrittenCheck | undefined =>
  written.find(({ healthCheck }) => healthCheck?.enabled)?.healthCheck;

const tailnetSuffix = '.ts.net';

/**
 * TLS towards machines of protocol HTTPS without a BackendTLSPolicy. Where all go by one name that is asked for, and must be in the certificate if
 * Tailscale gives out such certificates. Otherwise nobody vouches for the other side.
 */
export const ownTlsOf = (written: readonly Written[]): BackendTls => {
  const names = new Set(written.map(nameIn));
  const [hostname] = names;
  if (names.size !== 1 || hostname === undefined) return { subjectAltNames: [], verify: { by: 'none' } };
  return { hostname, subjectAltNames: [], verify: { by: hostname.endsWith(tailnetSuffix) ? 'system' : 'none' } };
};
