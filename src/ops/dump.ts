import { messageNames, type Resources, type ResourceType, typeUrlOf } from '../../xds/resources.ts';
import type { Secret } from '../../xds/types.ts';

/** The JSON of `dump -o json` and `/api/v1/dump`; documented in docs/cli.md. */
export type Dump = { readonly gateways: readonly DumpedGateway[] };
export type DumpedGateway = { readonly gateway: string } & { readonly [T in ResourceType]?: readonly object[] };

/** What users may say for a type: its name, its plural, or the service that serves it. */
const spoken: Readonly<Record<ResourceType, readonly string[]>> = {
  Cluster: ['cds', 'clusters'],
  ClusterLoadAssignment: ['eds', 'endpoints'],
  Listener: ['lds', 'listeners'],
  RouteConfiguration: ['rds', 'routes'],
  ScopedRouteConfiguration: ['srds', 'scopes'],
  Secret: ['sds', 'secrets'],
  TypedExtensionConfig: ['ecds', 'extensions'],
};

export const resourceTypes = Object.keys(messageNames) as readonly ResourceType[];

/** The type that a word means: `Listener`, `listeners`, `LDS`; undefined for none. */
export const resourceTypeNamed = (word: string): ResourceType | undefined => {
  const lower = word.toLowerCase();
  return resourceTypes.find((type) => type.toLowerCase() === lower || spoken[type].includes(lower));
};

/** Envoy resources as ProtoJSON with `@type`, private keys redacted; of one Gateway or type where these are given. */
export const dumpOf = (
  resources: ReadonlyMap<string, Resources>,
  { gateway, type }: { readonly gateway?: string; readonly type?: ResourceType },
): Dump => ({
  gateways: [...resources]
    .filter(([name]) => gateway === undefined || name === gateway)
    .map(([name, byType]) => ({
      gateway: name,
      ...Object.fromEntries(resourceTypes.filter((one) => type === undefined || one === type).map((one) => [one, messagesOf(byType, one)])),
    })),
});

const messagesOf = (resources: Resources, type: ResourceType): readonly object[] =>
  type === 'Secret'
    ? [...resources.Secret.values()].map(({ message }) => ({ '@type': typeUrlOf(type), ...redacted(message) }))
    : [...resources[type].values()].map(({ message }) => ({ '@type': typeUrlOf(type), ...message }));

/** Nothing but what is known to be public leaves: certificates and CA bundles. */
const redacted = ({ name, tlsCertificate, validationContext, ...rest }: Secret): Secret => ({
  name,
  ...(tlsCertificate === undefined
    ? {}
    : { tlsCertificate: { certificateChain: tlsCertificate.certificateChain, privateKey: { inlineString: '[redacted]' } } }),
  ...(validationContext === undefined ? {} : { validationContext }),
  ...Object.fromEntries(Object.keys(rest).map((field) => [field, '[redacted]'])),
});
