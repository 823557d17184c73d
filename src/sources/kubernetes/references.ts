import type { Gateway, ListenerSet } from '../../api/generated/gateway-api.ts';
import type { TailscaleRoutePolicy } from '../../api/generated/tailscale.ts';
import type { Kind } from '../../api/kinds.ts';
import type { Objects } from '../../api/objects.ts';
import { localKey, type ObjectKey, objectKey } from '../../lib/key.ts';

/** The kinds of which only those objects are read that others refer to. */
export type ReferencedKind = 'Secret' | 'ConfigMap';

/** What `referencesIn` looks at: while these are the same maps, so is its answer. */
export type Referrers = Pick<Objects, (typeof referrers)[number]>;

export const referrers = [
  'GatewayClass',
  'Gateway',
  'ListenerSet',
  'BackendTLSPolicy',
  'TailscaleTailnet',
  'TailscaleRoutePolicy',
] as const satisfies readonly Kind[];

/**
 * Every Secret and ConfigMap that some object names, whether it exists or not, and whether its use is permitted or not. Gateways of other
 * controllers, and ListenerSets of theirs, do not count: their private keys are none of our business. A tailnet's credentials are in
 * `ownNamespace` unless it says where.
 */
export const referencesIn = (objects: Referrers, controllerName: string, ownNamespace: string): ReadonlySet<ObjectKey> => {
  const isOurs = (gateway: Gateway | undefined): boolean =>
    gateway !== undefined && objects.GatewayClass.get(`/${gateway.spec.gatewayClassName}`)?.spec.controllerName === controllerName;
  const parentOf = ({ metadata, spec: { parentRef } }: ListenerSet): Gateway | undefined =>
    objects.Gateway.get(localKey(parentRef.namespace ?? metadata.namespace ?? '', parentRef.name));
  const found = [
    ...[...objects.Gateway.values()].filter(isOurs).flatMap(referencesOfGateway),
    ...[...objects.ListenerSet.values()].filter((set) => isOurs(parentOf(set))).flatMap((set) => within(set, certificatesOf(set))),
    ...[...objects.TailscaleTailnet.values()].map(({ spec: { oauthSecretName, oauthSecretNamespace = ownNamespace } }) =>
      objectKey('Secret', oauthSecretNamespace, oauthSecretName),
    ),
    ...[...objects.BackendTLSPolicy.values()].flatMap((policy) => within(policy, policy.spec.validation.caCertificateRefs ?? [])),
    ...[...objects.TailscaleRoutePolicy.values()].flatMap((policy) => within(policy, keySetsOf(policy))),
  ];
  return new Set(found);
};

/** ConfigMaps with the keys that tokens are signed with. */
const keySetsOf = ({ spec }: TailscaleRoutePolicy): readonly Reference[] =>
  spec.rules.flatMap(({ actions }) =>
    (actions.jwt?.providers ?? []).flatMap(({ jwks: { configMapRef } }) =>
      configMapRef === undefined ? [] : [{ group: '', kind: 'ConfigMap', name: configMapRef.name }],
    ),
  );

type Reference = { readonly group: string; readonly kind: string; readonly name: string; readonly namespace?: string };

const referencesOfGateway = (gateway: Gateway): readonly ObjectKey[] => {
  const { frontend, backend } = gateway.spec.tls ?? {};
  const validations = [frontend?.default.validation, ...(frontend?.perPort ?? []).map(({ tls }) => tls.validation)];
  return within(gateway, [
    ...certificatesOf(gateway),
    ...validations.flatMap((validation) => validation?.caCertificateRefs ?? []),
    ...(backend?.clientCertificateRef === undefined ? [] : [backend.clientCertificateRef]),
  ]);
};

const certificatesOf = ({ spec }: Gateway | ListenerSet): readonly Reference[] =>
  spec.listeners.flatMap(({ tls }) => tls?.certificateRefs ?? []);

/** References of an object as keys: those without a namespace are into its own. */
const within = (
  { metadata }: { readonly metadata: { readonly namespace?: string } },
  references: readonly Reference[],
): readonly ObjectKey[] =>
  references.flatMap(({ group, kind, name, namespace = metadata.namespace ?? '' }) =>
    group === '' && (kind === 'Secret' || kind === 'ConfigMap') && isName(name) && isName(namespace)
      ? [objectKey(kind, namespace, name)]
      : [],
  );

/** The Gateway API lets references name anything, be it `../other/secrets/key`: what no object can be called must not get into a path. */
const isName = (text: string): boolean => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);
