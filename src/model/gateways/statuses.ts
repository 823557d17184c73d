import type { Gateway } from '../../api/generated/gateway-api.ts';
import { changedMap } from '../../lib/changed-map.ts';
import { reuse } from '../../lib/equal.ts';
import { byCodeUnit, type ObjectKey } from '../../lib/key.ts';
import { areSame, memo } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import { statusLimits } from '../status-limits.ts';
import type { AncestorStatus, Status } from '../status.ts';
import type { DerivedGateway } from './derive.ts';
import type { StatusChanges } from './route-statuses.ts';

type Entry = readonly [ObjectKey, Status];

/** Status of a Gateway that nobody serves for the sake of its class: it waits, as on a cluster, but is told what for. */
const pendingStatus =
  (why: string) =>
  ({ metadata, spec }: Gateway): Status => {
    const conditions = conditionsOf(metadata.generation);
    const message = `GatewayClass "${spec.gatewayClassName}" ${why}`;
    return {
      kind: 'Gateway',
      conditions: [conditions.unknown('Accepted', 'Pending', message), conditions.unknown('Programmed', 'Pending', message)],
      addresses: [],
      listeners: [],
      attachedListenerSets: 0,
    };
  };

export const classMissingStatusOf = memo(pendingStatus('not found'));

export const classRefusedStatusOf = memo(pendingStatus('is not accepted: see its own status'));

/** Status of every policy that some of our Gateways uses. */
export const policyStatusesOf = (derived: readonly DerivedGateway[]): readonly Entry[] => {
  const ancestors = new Map<ObjectKey, AncestorStatus[]>();
  for (const gateway of derived) {
    for (const [policy, ancestor] of gateway.ancestors) {
      const known = ancestors.get(policy);
      if (known === undefined) ancestors.set(policy, [ancestor]);
      else known.push(ancestor);
    }
  }
  return [...ancestors].map(
    ([policy, list]) => [policy, { kind: 'BackendTLSPolicy', ancestors: list.slice(0, statusLimits.ancestors) }] as const,
  );
};

/**
 * All statuses by key, in code-unit order: `few` in full, of routes, which may be thousands, what changed. Each is the same object as last time
 * where it says the same, and so is the whole.
 */
export const statusesBuilder = (): ((few: readonly Entry[], changes: StatusChanges) => ReadonlyMap<ObjectKey, Status>) => {
  let last: ReadonlyMap<ObjectKey, Status> = new Map();
  let lastFew: readonly Entry[] = [];
  return (few, changes) => {
    const asBefore = areSame(lastFew, few);
    if (asBefore && changes.size === 0) return last;
    const gone = asBefore ? [] : lastFew.map(([key]) => [key, undefined] as const);
    const now = new Map<ObjectKey, Status | undefined>([...gone, ...(asBefore ? [] : few), ...changes]);
    lastFew = few;
    const different = [...now]
      .map(([key, status]) => [key, status && reuse(last.get(key) ?? status, status)] as const)
      .filter(([key, status]) => status !== last.get(key));
    last = changedMap(last, different, byCodeUnit);
    return last;
  };
};
