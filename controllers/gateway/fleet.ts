/** What became of a Gateway's Envoys, as far as the cluster tells. */
import { reuse } from '../../src/lib/equal.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { addressesOf, type FleetAddress, missingAddressOf } from './addresses.ts';
import { belongsTo } from './metadata.ts';
import { objectNameOf } from './names.ts';
import { readinessOf } from './readiness.ts';

export type FleetStatus = {
  readonly addresses: readonly FleetAddress[];
  /** Envoys that should run, and those that answer requests. */
  readonly desired: number;
  readonly ready: number;
  /** Why clients cannot reach the Gateway as its spec says: reason and message of `Programmed: False`. Absent when they can. */
  readonly hindrance?: Verdict;
};

export type FleetFacts = {
  /** What bears our label, of all Gateways. */
  readonly observed: readonly KubeObject[];
  /** IP addresses of the cluster's nodes, where Services of type NodePort are reached. */
  readonly nodeAddresses: readonly string[];
  /** Why objects could not be made, by `namespace/name` of the Gateway; `Pending` where that may pass by itself. */
  readonly refusals: ReadonlyMap<string, Verdict>;
};

/** The fleets of all Gateways by `namespace/name`; those of `previous` that mean the same are the same. */
export const fleetsOf = (
  infrastructures: ReadonlyMap<string, Infrastructure>,
  { observed, nodeAddresses, refusals }: FleetFacts,
  previous: ReadonlyMap<string, FleetStatus> = new Map(),
): ReadonlyMap<string, FleetStatus> => {
  const byPlace = new Map(observed.map((object) => [placeOf(object.kind, object.metadata), object]));
  return new Map(
    [...infrastructures].map(([key, infrastructure]) => {
      const { namespace, uid = '' } = infrastructure;
      const own = (kind: string): KubeObject | undefined => {
        const object = byPlace.get(placeOf(kind, { namespace, name: objectNameOf(infrastructure) }));
        return object !== undefined && belongsTo(object, uid) ? object : undefined;
      };
      const parts = { service: own('Service'), deployment: own('Deployment'), nodeAddresses, refusal: refusals.get(key) };
      const fleet = fleetOf(infrastructure, parts);
      const last = previous.get(key);
      return [key, last === undefined ? fleet : reuse(last, fleet)];
    }),
  );
};

const placeOf = (kind: string, { namespace = '', name }: { readonly namespace?: string; readonly name: string }): string =>
  `${kind}/${namespace}/${name}`;

export type FleetParts = {
  /** As observed; undefined when they are not there. */
  readonly service: KubeObject | undefined;
  readonly deployment: KubeObject | undefined;
  readonly nodeAddresses: readonly string[];
  readonly refusal: Verdict | undefined;
};

/** One Gateway's fleet. The first hindrance in the order in which somebody would have to deal with them is told. */
export const fleetOf = (infrastructure: Infrastructure, { service, deployment, nodeAddresses, refusal }: FleetParts): FleetStatus => {
  const addresses = addressesOf(infrastructure, service, nodeAddresses);
  const { desired, ready, unready } = readinessOf(deployment, refusal);
  const lasting = refusal?.reason === 'Pending' ? undefined : refusal;
  const hindrance = lasting ?? missingAddressOf(infrastructure, service, addresses) ?? unready ?? unassigned(service, addresses);
  return { addresses, desired, ready, ...(hindrance === undefined ? {} : { hindrance }) };
};

const unassigned = (service: KubeObject | undefined, addresses: readonly FleetAddress[]): Verdict | undefined => {
  if (service === undefined) return { reason: 'Pending', message: 'The Service of the Gateway is not there yet' };
  if (addresses.length > 0) return undefined;
  const message = `Service ${service.metadata.name} has no address yet; if it gets none, see whether the cluster provides load balancers`;
  return { reason: 'AddressNotAssigned', message };
};
