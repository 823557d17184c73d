import type { Service } from '../../api/core.ts';
import { byCodeUnit, keyOf } from '../../lib/key.ts';
import type { Backend, BackendTls, HttpRule, RouteEntry, StreamRule, TlsSecret } from '../graph.ts';

/** For ports that say `https` without a BackendTLSPolicy: encrypted, with nobody to vouch for the other side. */
export const unverifiedTls: BackendTls = { subjectAltNames: [], verify: { by: 'none' } };

const known = new WeakMap<Service, Map<string, Backend>>();

/** The backend for one way of speaking to a Service's port: the same object for every route, until the Service or its policy changes. */
export const backendOf = (service: Service, port: number, protocol: Backend['protocol'], tls: BackendTls | undefined): Backend => {
  const id = backendId(service, port, protocol, tls);
  const ofService = known.get(service) ?? new Map<string, Backend>();
  known.set(service, ofService);
  const last = ofService.get(id);
  if (last !== undefined && last.tls === tls) return last;
  const backend = { id, key: keyOf(service), port, protocol, ...(tls === undefined ? {} : { tls }) };
  ofService.set(id, backend);
  return backend;
};

const backendId = (service: Service, port: number, protocol: Backend['protocol'], tls: BackendTls | undefined): string =>
  `${keyOf(service)}/${port}${tls !== undefined && protocol === 'tcp' ? '/tls' : suffixes[protocol]}`;

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
