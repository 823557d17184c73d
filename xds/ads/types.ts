/** How the protocol treats each resource type. Types are type URLs, not a closed set: what is not named here follows the general rules. */

const url = (message: string): string => `type.googleapis.com/envoy.${message}`;

export const CDS = url('config.cluster.v3.Cluster');
export const EDS = url('config.endpoint.v3.ClusterLoadAssignment');
export const SDS = url('extensions.transport_sockets.tls.v3.Secret');
export const ECDS = url('config.core.v3.TypedExtensionConfig');
export const LDS = url('config.listener.v3.Listener');
export const SRDS = url('config.route.v3.ScopedRouteConfiguration');
export const RDS = url('config.route.v3.RouteConfiguration');

/**
 * In SotW every response holds all resources subscribed to, and what is absent is deleted (xDS protocol, "Grouping Resources", which does not
 * name SRDS; Envoy 1.40 treats it so).
 */
export const isFullState = (typeUrl: string): boolean => typeUrl === CDS || typeUrl === LDS || typeUrl === SRDS;

/**
 * Types that clients ask for by the names they find in other resources. For them a first request without names asks for nothing; for all
 * others it asks for everything (xDS protocol, "How the client specifies what resources to return").
 */
export const isOnlyByName = (typeUrl: string): boolean => typeUrl === EDS || typeUrl === SDS || typeUrl === ECDS || typeUrl === RDS;

const ranks = [CDS, EDS, SDS, ECDS, LDS, SRDS, RDS];
/** Make before break: what is referred to comes before what refers to it. Types not named here may refer to clusters, so they come last. */
export const rankOf = (typeUrl: string): number => {
  const rank = ranks.indexOf(typeUrl);
  return rank < 0 ? ranks.length : rank;
};

/** Whether resources of this type may name clusters, and so wait for them and for their endpoints. */
export const refersToClusters = (typeUrl: string): boolean => rankOf(typeUrl) >= rankOf(LDS);

/** The types that Envoy subscribes to because resources of them may refer to ones of `typeUrl`. */
export const referrersOf = (typeUrl: string): readonly string[] => [CDS, LDS, RDS].filter((by) => isReferredTo(typeUrl, by));

/** Whether resources of type `by` may refer to ones of `typeUrl`, which then leave only after `by` was acknowledged without them. */
export const isReferredTo = (typeUrl: string, by: string): boolean => {
  switch (typeUrl) {
    case CDS:
      return refersToClusters(by);
    case EDS:
      return by === CDS;
    case SDS:
      return by === CDS || by === LDS;
    case ECDS:
    case SRDS:
      return by === LDS;
    case RDS:
      return by === LDS || by === SRDS;
    default:
      return false;
  }
};
