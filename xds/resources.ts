/** What translation hands to snapshots: Envoy resources as ProtoJSON objects, by type and name. */
import type { ObjectKey } from '../src/lib/key.ts';
import type {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  RouteConfiguration,
  ScopedRouteConfiguration,
  Secret,
  TypedExtensionConfig,
} from './types.ts';

export type MessageOf = {
  readonly Cluster: Cluster;
  readonly ClusterLoadAssignment: ClusterLoadAssignment;
  readonly Listener: Listener;
  readonly RouteConfiguration: RouteConfiguration;
  readonly ScopedRouteConfiguration: ScopedRouteConfiguration;
  readonly Secret: Secret;
  /** A filter of listeners that changes apart from them. */
  readonly TypedExtensionConfig: TypedExtensionConfig;
};

export type ResourceType = keyof MessageOf;

/** Full protobuf message names, which after `type.googleapis.com/` are the type URLs. */
export const messageNames = {
  Cluster: 'envoy.config.cluster.v3.Cluster',
  ClusterLoadAssignment: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  Listener: 'envoy.config.listener.v3.Listener',
  RouteConfiguration: 'envoy.config.route.v3.RouteConfiguration',
  ScopedRouteConfiguration: 'envoy.config.route.v3.ScopedRouteConfiguration',
  Secret: 'envoy.extensions.transport_sockets.tls.v3.Secret',
  TypedExtensionConfig: 'envoy.config.core.v3.TypedExtensionConfig',
} as const satisfies Record<ResourceType, string>;

export const typeUrlOf = (type: ResourceType): string => `type.googleapis.com/${messageNames[type]}`;

/** One resource before it is encoded. `owners` are the objects whose status says so if Envoy rejects it. */
export type Resource<T extends ResourceType = ResourceType> = {
  readonly name: string;
  readonly message: MessageOf[T];
  readonly owners: readonly ObjectKey[];
  /** Resources that together say all that this one says, where there are such: then it is not encoded before somebody asks for it. */
  readonly parts?: readonly Resource<T>[];
};

/**
 * A resource that makes its message each time it is asked: once to be encoded, and then for a dump. Of thousands, the bytes are kept and what
 * messages are made from; the messages of 5,000 Services would be another 7 MB.
 */
export class MadeWhenAsked<T extends ResourceType> implements Resource<T> {
  readonly name: string;
  readonly owners: readonly ObjectKey[];
  readonly #make: () => MessageOf[T];

  /** `make` gives equal messages at all times. */
  constructor(name: string, owners: readonly ObjectKey[], make: () => MessageOf[T]) {
    this.name = name;
    this.owners = owners;
    this.#make = make;
  }

  get message(): MessageOf[T] {
    return this.#make();
  }
}

/** All resources of one Gateway, each map in code-unit order of names. An unchanged resource is the same object as before. */
export type Resources = { readonly [T in ResourceType]: ReadonlyMap<string, Resource<T>> };
