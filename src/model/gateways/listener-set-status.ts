import type { ListenerSet } from '../../api/generated/gateway-api.ts';
import { memo } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import type { ListenerStatus, Status } from '../status.ts';
import type { JudgedListener } from './judge.ts';

/** Why a ListenerSet's listeners cannot be had for its parent's sake: `accepted` and `programmed` are what those conditions then say. */
export type Unreachable = { readonly accepted?: Verdict; readonly programmed?: Verdict };

type SetStatus = Extract<Status, { readonly kind: 'ListenerSet' }>;

/** Status of a ListenerSet whose Gateway is ours. It is accepted while at least one of its listeners can be served. */
export const listenerSetStatusOf = (
  set: ListenerSet,
  listeners: readonly JudgedListener[],
  statuses: readonly ListenerStatus[],
  { accepted, programmed }: Unreachable,
): SetStatus => {
  const conditions = conditionsOf(set.metadata.generation);
  const broken = listeners.filter(({ serves }) => !serves);
  const message = broken
    .map(({ spec, rejected, unresolved }) => `listener ${spec.name}: ${(rejected ?? unresolved)?.message ?? ''}`)
    .join('; ');
  const invalid: Verdict | undefined = broken.length === 0 ? undefined : { reason: 'ListenersNotValid', message };
  const lost = broken.length < listeners.length ? undefined : invalid;
  const notAccepted = accepted ?? lost;
  const notProgrammed = accepted === undefined ? (lost ?? programmed) : (programmed ?? accepted);
  return {
    kind: 'ListenerSet',
    conditions: [
      notAccepted === undefined
        ? conditions.yes('Accepted', invalid?.reason ?? 'Accepted', invalid?.message ?? 'The ListenerSet is accepted')
        : conditions.no('Accepted', notAccepted.reason, notAccepted.message),
      notProgrammed === undefined
        ? conditions.yes('Programmed', 'Programmed', 'The ListenerSet is served to Envoy')
        : conditions.no('Programmed', notProgrammed.reason, notProgrammed.message),
    ],
    listeners: statuses,
  };
};

/** Status of a ListenerSet whose Gateway does not exist: on a cluster nobody would answer, but whoever edits a file has to be told. */
export const orphanStatusOf = memo((set: ListenerSet): SetStatus => {
  const { name, namespace = set.metadata.namespace ?? '' } = set.spec.parentRef;
  const message = `spec.parentRef: Gateway "${namespace}/${name}" not found`;
  const accepted = { reason: 'ParentNotAccepted', message };
  return listenerSetStatusOf(set, [], [], { accepted, programmed: { reason: 'ParentNotProgrammed', message } });
});
