import type { ObjectKey } from '../lib/key.ts';

/** What a Gateway wants of the proxies that serve it: its own wishes over those of its class. */
export type Infrastructure = {
  readonly gateway: ObjectKey;
  readonly namespace: string;
  readonly name: string;
  /** Absent where objects come from files. */
  readonly uid?: string;
  readonly className: string;
  /** It is going: nothing more is to be made for it. */
  readonly going: boolean;
  /** From `spec.infrastructure`: for everything that is made for the Gateway. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly parameters: ProxyParameters;
  /** IP addresses that `spec.addresses` asks for; empty where any will do. */
  readonly addresses: readonly string[];
  /** One per socket, in order of port then transport. */
  readonly ports: readonly ServedPort[];
};

export type ServedPort = {
  /** What clients reach. */
  readonly port: number;
  /** What Envoy binds. */
  readonly boundPort: number;
  readonly transport: 'TCP' | 'UDP';
};

/** Kubernetes' own API types, passed on as the user wrote them: the API server judges them. */
export type Verbatim = Readonly<Record<string, unknown>>;

/** `spec` of GatewayParameters, the class's and the Gateway's laid over each other: how Envoys are run. All optional; absent means our default. */
export type ProxyParameters = {
  /** Envoys; 1 unless said otherwise. Not with `autoscaling`. */
  readonly replicas?: number;
  readonly autoscaling?: {
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly targetCPUUtilizationPercentage?: number;
  };
  readonly envoy?: {
    readonly image?: string;
    readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
    readonly logLevel?: 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'critical' | 'off';
    /** Worker threads; as many as CPUs when absent. */
    readonly concurrency?: number;
    readonly resources?: Verbatim;
    readonly securityContext?: Verbatim;
    readonly extraArgs?: readonly string[];
  };
  readonly pod?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly imagePullSecrets?: readonly { readonly name: string }[];
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly tolerations?: readonly Verbatim[];
    readonly affinity?: Verbatim;
    readonly topologySpreadConstraints?: readonly Verbatim[];
    readonly priorityClassName?: string;
    readonly securityContext?: Verbatim;
  };
  readonly service?: {
    /** `LoadBalancer` unless said otherwise. */
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
    readonly loadBalancerClass?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly externalTrafficPolicy?: 'Cluster' | 'Local';
    readonly allocateLoadBalancerNodePorts?: boolean;
    readonly loadBalancerSourceRanges?: readonly string[];
    readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
    readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[];
    /** Fixed node ports, by the Gateway's port. */
    readonly nodePorts?: readonly { readonly port: number; readonly nodePort: number }[];
  };
  /** When more than one Envoy runs: `maxUnavailable` 1 unless said otherwise. */
  readonly podDisruptionBudget?: { readonly minAvailable?: number | string; readonly maxUnavailable?: number | string };
  readonly shutdown?: {
    /** For connections to end by themselves before an Envoy stops; `30s` unless said otherwise. Gateway API duration. */
    readonly drainTime?: string;
  };
};
