import type { ObjectKey } from '../lib/key.ts';
import type { Verbatim } from './infrastructure.ts';

/** A StatefulSet of Tailscale proxies that must exist: one direction of a TailscaleEndpoints, a TailscaleProxyGroup, or one tailnet of a TailscaleGateway. */
export type ProxySet = {
  /** TailscaleEndpoints, TailscaleProxyGroup or TailscaleGateway. */
  readonly owner: ObjectKey;
  /** Absent where objects come from files. */
  readonly uid?: string;
  readonly namespace: string;
  /** Of the StatefulSet: `<owner>-egress` or `<owner>-ingress`, of a group its own name, of a TailscaleGateway `<owner>-<tailnet>-ingress`; shortened with a hash to 52 characters at most. */
  readonly name: string;
  readonly direction: 'egress' | 'ingress';
  /** `connect`: userspace; those of egress have an HTTP proxy on the pod's address. `forward`: kernel, with egress-services or ingress-config.json. */
  readonly mode: 'connect' | 'forward';
  readonly replicas: number;
  /** Name of the TailscaleTailnet. */
  readonly tailnet: string;
  readonly controlURL: string;
  /** Of the devices, and so of their auth keys; never empty. */
  readonly tags: readonly string[];
  /** Device names are this, a hyphen and the ordinal. */
  readonly hostnamePrefix: string;
  readonly pod: {
    readonly image?: string;
    readonly resources?: Verbatim;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly tolerations?: readonly Verbatim[];
    readonly affinity?: Verbatim;
    readonly topologySpreadConstraints?: readonly Verbatim[];
  };
  /** Direction `egress`, mode `forward`: what egress-services holds, by name of the mapping. */
  readonly forwards: ReadonlyMap<string, Forward>;
  /** Gateways whose Envoys use these proxies, or are used by them: whom the NetworkPolicy admits. */
  readonly gateways: readonly { readonly namespace: string; readonly name: string }[];
  /** Direction `ingress`: Tailscale Services that they host, by name, `svc:web`. */
  readonly services: ReadonlyMap<string, HostedService>;
  /** The owner is going: nothing more is to be made, what is there is taken away in order. */
  readonly going: boolean;
};

/** One target on the tailnet (exactly one of `ip` and `fqdn` is not empty), and the pod ports that lead to its ports. */
export type Forward = {
  readonly ip: string;
  readonly fqdn: string;
  readonly ports: readonly { readonly protocol: 'TCP' | 'UDP'; readonly matchPort: number; readonly targetPort: number }[];
};

/** Where each port of a Tailscale Service leads. */
export type HostedService = {
  /** By port of the service. */
  readonly ports: ReadonlyMap<number, HostedPort>;
  /** Whether it is offered to the tailnet now; false where nothing behind it works and another cluster may do better. */
  readonly wanted: boolean;
  /** MagicDNS name of which Envoy would like a certificate: proxies may leave one in the Secret of that name in their namespace. */
  readonly certificate?: string;
  /** Mode `forward`, where `ports` is empty: addresses that lead to another with every port and protocol. Empty while the service has none. */
  readonly mapping?: ServiceMapping;
};

/** By family; without what one of the sides has no address for. */
export type ServiceMapping = { readonly ipv4?: AddressPair; readonly ipv6?: AddressPair };

/** IP literals of one family: of a Tailscale Service, and of a Kubernetes Service. */
export type AddressPair = { readonly from: string; readonly to: string };

/** `host` is an IP literal or a DNS name that the pods can resolve. */
export type HostedPort = {
  readonly host: string;
  readonly port: number;
  /** Set where an Envoy answers, which is told the peer's address: PROXY protocol version 2. */
  readonly envoy?: {
    /** The Gateway, `namespace/name`. */
    readonly gateway: string;
    /** Its listener as Envoy knows it: not before every Envoy has it may a peer come. */
    readonly listener: string;
  };
};

/** Port of the HTTP proxy of a `connect` proxy pod. */
export const connectPort = 1055;

/**
 * Port of a Tailscale Service with a `certificate`, on which its proxies obtain that: they do for no name that they do not end TLS for. Nobody
 * answers there.
 */
export const certificatePort = 65_443;
