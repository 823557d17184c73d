import { changedMap, differingKeys } from '../../src/lib/changed-map.ts';
import { reuse } from '../../src/lib/equal.ts';
import { byCodeUnit, type LocalKey, type ObjectKey } from '../../src/lib/key.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { statusLimits } from '../../src/model/status-limits.ts';
import type { Condition, Status } from '../../src/model/status.ts';
import type { FleetStatus } from './fleet.ts';

type GatewayStatus = Extract<Status, { readonly kind: 'Gateway' }>;

/** What is known of a Gateway (`namespace/name`) besides what the cluster says of its Envoys. */
export type Told = {
  /** Whether an Envoy of it has accepted its configuration. */
  readonly accepted: (gateway: string) => boolean;
  /** Whether its status on the cluster says `Programmed: True` already: whoever wrote that knew of an Envoy. */
  readonly programmed: (gateway: string) => boolean;
};

type Statuses = ReadonlyMap<ObjectKey, Status>;
type Laid = { readonly on: Statuses; readonly changes: Statuses; readonly over: Statuses };

type WithFleets = (
  statuses: ReadonlyMap<ObjectKey, Status>,
  fleets: ReadonlyMap<string, FleetStatus>,
  told: Told,
) => ReadonlyMap<ObjectKey, Status>;

/**
 * Lays what became of the Gateways' Envoys over their statuses: addresses, and whether the Gateway is `Programmed`. That takes what the model
 * says, addresses, and an Envoy that is ready and has accepted its configuration. Acceptance counts the first time only: a Gateway that was
 * programmed stays so while its Envoys take up a change, or another replica of ours does not know them yet. What comes to the same from call
 * to call is the same object.
 */
export const fleetOverlay = (): WithFleets => {
  const last = new WeakMap<GatewayStatus, GatewayStatus>();
  const overlaid = (status: GatewayStatus, fleet: FleetStatus, accepted: boolean): GatewayStatus => {
    const fresh = reuse(status, overlay(status, fleet, accepted));
    const next = reuse(last.get(status) ?? fresh, fresh);
    last.set(status, next);
    return next;
  };
  let laid: Laid = { on: new Map(), changes: new Map(), over: new Map() };
  return (statuses, fleets, { accepted, programmed }) => {
    const changes = new Map<ObjectKey, Status>();
    for (const [gateway, fleet] of fleets) {
      const key: ObjectKey = `Gateway/${gateway as LocalKey}`;
      const status = statuses.get(key);
      if (status?.kind !== 'Gateway') continue;
      const next = overlaid(status, fleet, accepted(gateway) || programmed(gateway));
      if (next !== status) changes.set(key, next);
    }
    if (changes.size === 0) {
      laid = { on: statuses, changes, over: statuses };
      return statuses;
    }
    const affected = new Set([...differingKeys(laid.on, statuses), ...laid.changes.keys(), ...changes.keys()]);
    const over = changedMap(
      laid.over,
      [...affected].map((key) => [key, changes.get(key) ?? statuses.get(key)] as const),
      byCodeUnit,
    );
    laid = { on: statuses, changes, over };
    return laid.over;
  };
};

const overlay = (status: GatewayStatus, { addresses, hindrance }: FleetStatus, accepted: boolean): GatewayStatus => {
  const missing = hindrance ?? (accepted ? undefined : unaccepted);
  return {
    ...status,
    // Those of the model are in tailnets.
    addresses: [...(status.ledElsewhere ? [] : addresses), ...status.addresses].slice(0, statusLimits.addresses),
    conditions: missing === undefined ? status.conditions : status.conditions.map((condition) => hindered(condition, missing)),
  };
};

const unaccepted: Verdict = { reason: 'Pending', message: 'No Envoy has accepted the configuration yet' };

/** Where the model has something against the Gateway already, that stands: it has to be dealt with first. */
const hindered = (condition: Condition, { reason, message }: Verdict): Condition =>
  condition.type === 'Programmed' && condition.status === 'True' ? { ...condition, status: 'False', reason, message } : condition;
