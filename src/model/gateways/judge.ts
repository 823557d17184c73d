import type { Gateway, RouteGroupKind } from '../../api/generated/gateway-api.ts';
import type { Read } from '../../lib/memo.ts';
import type { TlsSecret, TlsTermination } from '../graph.ts';
import type { RouteKind, Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { keyPairOf } from './certificates.ts';
import { clientValidationOf } from './client-validation.ts';
import type { Clash } from './conflicts.ts';
import { type DeclaredListener, isSupportedProtocol } from './declared.ts';

/** A declared listener and all that can be said of it without its routes. */
export type JudgedListener = DeclaredListener & {
  readonly clash?: Clash;
  /** `Accepted: False`. */
  readonly rejected?: Verdict;
  /** `ResolvedRefs: False`. */
  readonly unresolved?: Verdict;
  /** What may attach, of our kinds. */
  readonly kinds: readonly RouteKind[];
  readonly tls?: TlsTermination;
  /** Routes may attach. */
  readonly accepted: boolean;
  /** Envoy can have it. */
  readonly serves: boolean;
};

const group = 'gateway.networking.k8s.io';
const kindsByProtocol: ReadonlyMap<string, readonly RouteKind[]> = new Map([
  ['HTTP', ['HTTPRoute', 'GRPCRoute']],
  ['HTTPS', ['HTTPRoute', 'GRPCRoute']],
  ['TLS', ['TLSRoute']],
  ['TCP', ['TCPRoute']],
  ['UDP', ['UDPRoute']],
]);

export const groupKinds = (kinds: readonly RouteKind[]): readonly RouteGroupKind[] => kinds.map((kind) => ({ group, kind }));

export const judge = (listener: DeclaredListener, gateway: Gateway, clash: Clash | undefined, read: Read<ModelTables>): JudgedListener => {
  const { kinds, unresolved: badKinds } = kindsOf(listener);
  const { tls, rejected: badTls, unresolved: badRefs } = tlsOf(listener, gateway, read);
  const rejected = isSupportedProtocol(listener.spec.protocol)
    ? (clash ?? badTls)
    : { reason: 'UnsupportedProtocol', message: `protocol ${listener.spec.protocol} is not supported; HTTP, HTTPS, TLS, TCP and UDP are` };
  const unresolved = badRefs ?? badKinds;
  const terminates = listener.family === 'tls' && !passesThrough(listener);
  return {
    ...listener,
    ...(clash === undefined ? {} : { clash }),
    ...(rejected === undefined ? {} : { rejected }),
    ...(unresolved === undefined ? {} : { unresolved }),
    ...(tls === undefined ? {} : { tls }),
    kinds,
    accepted: rejected === undefined,
    serves: rejected === undefined && kinds.length > 0 && (!terminates || (tls !== undefined && tls.certificates.length > 0)),
  };
};

const passesThrough = ({ spec }: DeclaredListener): boolean => spec.protocol === 'TLS' && spec.tls?.mode === 'Passthrough';

const kindsOf = ({ spec }: DeclaredListener): { readonly kinds: readonly RouteKind[]; readonly unresolved?: Verdict } => {
  const possible = kindsByProtocol.get(spec.protocol) ?? [];
  const asked = spec.allowedRoutes.kinds ?? [];
  if (asked.length === 0) return { kinds: possible };
  const kinds = possible.filter((kind) => asked.some((one) => one.group === group && one.kind === kind));
  const wrong = asked.filter((one) => one.group !== group || !possible.some((kind) => kind === one.kind));
  if (wrong.length === 0) return { kinds };
  const names = wrong.map((one) => `${one.kind} of group "${one.group}"`).join(', ');
  return {
    kinds,
    unresolved: {
      reason: 'InvalidRouteKinds',
      message: `allowedRoutes.kinds: ${names} cannot attach to a listener of protocol ${spec.protocol}`,
    },
  };
};

type Tls = { readonly tls?: TlsTermination; readonly rejected?: Verdict; readonly unresolved?: Verdict };

const tlsOf = (listener: DeclaredListener, gateway: Gateway, read: Read<ModelTables>): Tls => {
  const { spec, owner } = listener;
  if (listener.family !== 'tls' || passesThrough(listener)) return {};
  const from = { group, kind: owner.kind, namespace: owner.metadata.namespace ?? '' };
  const certificates: TlsSecret[] = [];
  const verdicts: Verdict[] = [];
  for (const [index, ref] of (spec.tls?.certificateRefs ?? []).entries()) {
    const pair = keyPairOf(ref, from, `tls.certificateRefs[${index}]`, 'InvalidCertificateRef', read);
    if (pair.ok) certificates.push(pair.value);
    else verdicts.push(pair.problem);
  }
  if (certificates.length === 0 && verdicts.length === 0)
    verdicts.push({ reason: 'InvalidCertificateRef', message: 'tls.certificateRefs: no certificate is given' });
  const options = optionsOf(spec.tls?.options ?? {});
  const client = spec.protocol === 'HTTPS' ? clientValidationOf(gateway, spec.port, read) : {};
  const rejected = options.rejected ?? client.unusable;
  const unresolved =
    verdicts[0] === undefined
      ? client.unresolved
      : { reason: verdicts[0].reason, message: verdicts.map(({ message }) => message).join('; ') };
  return {
    ...(rejected === undefined ? {} : { rejected }),
    ...(unresolved === undefined ? {} : { unresolved }),
    tls: {
      certificates,
      ...(client.validation === undefined ? {} : { clientValidation: client.validation }),
      ...(options.minVersion === undefined ? {} : { minVersion: options.minVersion }),
    },
  };
};

const minVersionOption = 'gateway.tailscale.com/min-tls-version';

const optionsOf = (options: { readonly [key: string]: string }): { readonly minVersion?: '1.2' | '1.3'; readonly rejected?: Verdict } => {
  const unknown = Object.keys(options).filter((key) => key !== minVersionOption);
  if (unknown.length > 0)
    return {
      rejected: { reason: 'UnsupportedValue', message: `tls.options: ${unknown.join(', ')} is not supported; ${minVersionOption} is` },
    };
  const asked = options[minVersionOption];
  if (asked === undefined) return {};
  return asked === '1.2' || asked === '1.3'
    ? { minVersion: asked }
    : { rejected: { reason: 'UnsupportedValue', message: `tls.options: ${minVersionOption} must be 1.2 or 1.3` } };
};
