import type { Service } from '../../api/core.ts';
import type { TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import { reuse } from '../../lib/equal.ts';
import { byCodeUnit, keyOf } from '../../lib/key.ts';
import type { Backend, BackendTls, HttpRule, RouteEntry, StreamRule, TlsSecret } from '../graph.ts';

/** For ports that say `https` without a BackendTLSPolicy: encrypted, with nobody to vouch for the other side. */
export const unverifiedTls: BackendTls = { subjectAltNames: [], verify: { by: 'none' } };

/** What a reference may name. */
export type BackendObject = Service | TailscaleEndpoints | TailscaleServices;

const known = new WeakMap<BackendObject, Map<string, Backend>>();

type Speaking = Pick<Backend, 'port' | 'protocol' | 'tls' | 'reach'>;

/** The backend for one way of speaking to a port: the same object for every route, until what it names, or how it is spoken to, changes. */
export const backendOf = (object: BackendObject, speaking: Speaking): Backend => {
  const backend = { id: backendId(object, speaking), key: keyOf(object), ...speaking };
  const ofObject = known.get(object) ?? new Map<string, Backend>();
  known.set(object, ofObject);
  const settled = reuse(ofObject.get(backend.id) ?? backend, backend);
  ofObject.set(backend.id, settled);
  return settled;
};

const backendId = (object: BackendObject, { port, protocol, tls }: Speaking): string =>
  `${keyOf(object)}/${port}${tls !== undefined && protocol === 'tcp' ? '/tls' : suffixes[protocol]}`;

const suffixes: Readonly<Record<Backend['protocol'], string>> = { http1: '', http2: '/h2c', tcp: '/tcp', udp: '/udp' };

/** Every backend that traffic of these may go to, once, by id. */
export const backendsOf = (entries: readonly RouteEntry[], streams: readonly StreamRule[]): readonly Backend[] => {
  const byId = new Map<string, Backend>();
  for (const rule of new Set(entries.map((entry) => entry.rule))) for (const backend of backendsOfRule(rule)) byId.set(backend.id, backend);
  for (const { backend } of streams.flatMap(({ shares }) => shares)) if (backend !== undefined) byId.set(backend.id, backend);
  return [...byId.values()].toSorted((a, b) => byCodeUnit(a.id, b.id));
};

const backendsOfRule = ({ action, mirrors, externalAuth }: HttpRule): readonly Backend[] => {
  const shares = action.kind === 'forward' ? action.shares : [];
  const copies = [...mirrors, ...shares.flatMap((share) => share.mirrors)];
  return [...shares, ...copies, ...(externalAuth === undefined ? [] : [externalAuth])].flatMap(({ backend }) =>
    backend === undefined ? [] : [backend],
  );
};

/** The CA bundles these backends are verified with, once, by id. */
export const secretsOf = (backends: readonly Backend[]): readonly TlsSecret[] => {
  const byId = new Map<string, TlsSecret>();
  for (const { tls } of backends) if (tls?.verify.by === 'ca') byId.set(tls.verify.ca.id, tls.verify.ca);
  return [...byId.values()].toSorted((a, b) => byCodeUnit(a.id, b.id));
};
