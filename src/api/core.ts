/**
 * Core Kubernetes kinds as we read them once admitted: only the fields we use, with the API server's defaults already in place.
 * Objects may carry more; nothing here depends on it.
 */
export type ObjectMeta = {
  readonly name: string;
  /** Absent for cluster-scoped kinds only. */
  readonly namespace?: string;
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
  /** Rises with each change of `spec`; files start, and stay, at 1. */
  readonly generation: number;
  /** RFC 3339. Files have none unless they say so; "oldest first" then falls to the order of names. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

export type Namespace = {
  readonly apiVersion: string;
  readonly kind: 'Namespace';
  /** Its labels always hold `kubernetes.io/metadata.name`. */
  readonly metadata: ObjectMeta;
};

export type ServicePort = {
  /** Required by the API server when a Service has several ports. */
  readonly name?: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly appProtocol?: string;
  readonly nodePort?: number;
};

type ServiceSpec = {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly ports?: readonly ServicePort[];
  readonly selector?: { readonly [key: string]: string };
  /** `None` for headless Services. */
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly externalName?: string;
  readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[];
  readonly publishNotReadyAddresses?: boolean;
};

export type Service = {
  readonly apiVersion: string;
  readonly kind: 'Service';
  readonly metadata: ObjectMeta;
  readonly spec: ServiceSpec;
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
};

export type EndpointConditions = {
  /** Absent means ready. */
  readonly ready?: boolean;
  /** Absent means as `ready`. */
  readonly serving?: boolean;
  /** Absent means not terminating. */
  readonly terminating?: boolean;
};

export type Endpoint = {
  /** Alternatives for one and the same endpoint: consumers use the first. */
  readonly addresses: readonly string[];
  readonly conditions?: EndpointConditions;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: { readonly kind?: string; readonly namespace?: string; readonly name?: string; readonly uid?: string };
};

type EndpointPort = {
  /** The Service port's name; empty for its only, unnamed port. */
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** Absent means all ports. */
  readonly port?: number;
  readonly appProtocol?: string;
};

export type EndpointSlice = {
  readonly apiVersion: string;
  readonly kind: 'EndpointSlice';
  /** The label `kubernetes.io/service-name` says whose endpoints these are. */
  readonly metadata: ObjectMeta;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly Endpoint[];
  readonly ports?: readonly EndpointPort[];
};

export type Secret = {
  readonly apiVersion: string;
  readonly kind: 'Secret';
  readonly metadata: ObjectMeta;
  readonly type: string;
  /** Base64; `stringData` has been folded in. */
  readonly data?: { readonly [key: string]: string };
};

export type ConfigMap = {
  readonly apiVersion: string;
  readonly kind: 'ConfigMap';
  readonly metadata: ObjectMeta;
  readonly data?: { readonly [key: string]: string };
  /** Base64. */
  readonly binaryData?: { readonly [key: string]: string };
};

export type Node = {
  readonly apiVersion: string;
  readonly kind: 'Node';
  /** `topology.kubernetes.io/zone` and `/region` among its labels place it. */
  readonly metadata: ObjectMeta;
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
};
