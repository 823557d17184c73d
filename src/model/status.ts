/** Status as on a cluster, less `lastTransitionTime`, which only a writer with a clock can know. */

import type {
  TailscaleEndpointsStatus,
  TailscaleGatewayStatus,
  TailscaleProxyGroupStatus,
  TailscaleServicesStatus,
  TailscaleTailnetStatus,
} from '../api/generated/tailscale.ts';

export type Condition = {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
};

export type ListenerStatus = {
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly conditions: readonly Condition[];
};

/** A parentRef or ancestorRef as the user wrote it, defaults included. */
export type ParentRef = {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
};

export type ParentStatus = { readonly parentRef: ParentRef; readonly controllerName: string; readonly conditions: readonly Condition[] };
export type AncestorStatus = {
  readonly ancestorRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
};

export type Status =
  | { readonly kind: 'GatewayClass'; readonly conditions: readonly Condition[]; readonly supportedFeatures: readonly string[] }
  | {
      readonly kind: 'Gateway';
      readonly conditions: readonly Condition[];
      readonly addresses: readonly { readonly type: string; readonly value: string }[];
      /** Those are all: what its Envoys are reached at is left out. */
      readonly ledElsewhere?: true;
      readonly listeners: readonly ListenerStatus[];
      /** Listeners attached through ListenerSets (`status.attachedListenerSets`). */
      readonly attachedListenerSets: number;
    }
  | { readonly kind: 'ListenerSet'; readonly conditions: readonly Condition[]; readonly listeners: readonly ListenerStatus[] }
  | { readonly kind: 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute'; readonly parents: readonly ParentStatus[] }
  | { readonly kind: 'BackendTLSPolicy' | 'TailscaleRoutePolicy'; readonly ancestors: readonly AncestorStatus[] }
  | OwnStatus<'TailscaleTailnet', TailscaleTailnetStatus>
  | OwnStatus<'TailscaleEndpoints', TailscaleEndpointsStatus>
  | OwnStatus<'TailscaleServices', TailscaleServicesStatus>
  | OwnStatus<'TailscaleGateway', TailscaleGatewayStatus>
  | OwnStatus<'TailscaleProxyGroup', TailscaleProxyGroupStatus>;

/** Status of one of our own kinds: `fields` is everything but the conditions. */
type OwnStatus<K extends string, S> = {
  readonly kind: K;
  readonly conditions: readonly Condition[];
  readonly fields: Omit<S, 'conditions' | 'observedGeneration'>;
};

/** Kinds of ours whose status is ours alone. */
export const ownStatusKinds = [
  'TailscaleTailnet',
  'TailscaleEndpoints',
  'TailscaleServices',
  'TailscaleGateway',
  'TailscaleProxyGroup',
] as const satisfies readonly Status['kind'][];
