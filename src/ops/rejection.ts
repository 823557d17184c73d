import { messageNames, type ResourceType, typeUrlOf } from '../../xds/resources.ts';
import type { ClientStatus } from '../../xds/ads/events.ts';
import { type ObjectKey, partsOf } from '../lib/key.ts';
import type { Condition, ParentRef, Status } from '../model/status.ts';
import type { Known } from './known.ts';

/** A resource that some Envoy of a Gateway does not take, and whose objects have to say so. */
export type Rejection = {
  /** `namespace/name`. */
  readonly gateway: string;
  readonly type: ResourceType;
  readonly name: string;
  /** Envoy's own words. */
  readonly error: string;
  readonly owners: readonly ObjectKey[];
};

const types = Object.keys(messageNames) as readonly ResourceType[];

/** What connected Envoys reject now, each resource once, in the order of the clients. */
export const rejectionsOf = (clients: readonly ClientStatus[], resources: Known['resources']): readonly Rejection[] => {
  const rejections = new Map<string, Rejection>();
  for (const { group, types: held } of clients) {
    for (const { typeUrl, rejected, error } of held) {
      const type = types.find((candidate) => typeUrlOf(candidate) === typeUrl);
      if (type === undefined) continue;
      for (const name of rejected) {
        const owners = resources.get(group)?.[type].get(name)?.owners ?? [];
        rejections.set(`${group} ${type} ${name}`, { gateway: group, type, name, error, owners });
      }
    }
  }
  return [...rejections.values()];
};

/** Each resource once: the first word on it stands. */
export const distinct = (rejections: readonly Rejection[]): readonly Rejection[] => [
  ...new Map(rejections.toReversed().map((rejection) => [`${rejection.gateway} ${rejection.type} ${rejection.name}`, rejection])).values(),
];

/** Statuses with Envoy's refusals laid over them; those of objects without any are the same objects as before. */
export const withRejections = (
  statuses: ReadonlyMap<ObjectKey, Status>,
  rejections: readonly Rejection[],
): ReadonlyMap<ObjectKey, Status> => {
  if (rejections.length === 0) return statuses;
  const overlaid = new Map(statuses);
  for (const rejection of rejections) {
    for (const owner of rejection.owners) {
      const status = overlaid.get(owner);
      if (status !== undefined) overlaid.set(owner, rejected(status, rejection));
    }
  }
  return overlaid;
};

const rejected = (status: Status, rejection: Rejection): Status => {
  switch (status.kind) {
    case 'GatewayClass':
    case 'TailscaleTailnet':
    case 'TailscaleProxyGroup':
      return status;
    case 'TailscaleEndpoints':
    case 'TailscaleServices':
      return { ...status, conditions: invalid(status.conditions, 'Ready', rejection) };
    case 'TailscaleGateway':
      return { ...status, conditions: invalid(status.conditions, 'Accepted', rejection) };
    case 'Gateway':
    case 'ListenerSet':
      return { ...status, conditions: invalid(status.conditions, 'Programmed', rejection) };
    case 'BackendTLSPolicy':
    case 'TailscaleRoutePolicy':
      return {
        ...status,
        ancestors: status.ancestors.map((ancestor) => ({ ...ancestor, conditions: invalid(ancestor.conditions, 'Accepted', rejection) })),
      };
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      return {
        ...status,
        parents: status.parents.map((parent) =>
          mayBe(parent.parentRef, rejection.gateway)
            ? { ...parent, conditions: invalid(parent.conditions, 'Accepted', rejection) }
            : parent,
        ),
      };
  }
};

/** A ListenerSet does not say by itself whose it is, so each counts. */
const mayBe = ({ kind, name }: ParentRef, gateway: string): boolean => kind !== 'Gateway' || gateway.endsWith(`/${name}`);

const invalid = (conditions: readonly Condition[], type: string, { type: resource, name, error }: Rejection): readonly Condition[] => {
  const message = `Envoy rejects ${resource} ${name}, and keeps the version it accepted last: ${error}`;
  const observedGeneration = conditions[0]?.observedGeneration ?? 1;
  return [
    ...conditions.filter((condition) => condition.type !== type),
    { type, status: 'False', reason: 'Invalid', message, observedGeneration },
  ];
};

/** `HTTPRoute default/shop`: an object as people name it. */
export const objectText = (key: ObjectKey): string => {
  const { kind, namespace, name } = partsOf(key);
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
};
