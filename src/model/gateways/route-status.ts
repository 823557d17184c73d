import { equal } from '../../lib/equal.ts';
import { conditionsOf } from '../conditions.ts';
import type { ParentRef, ParentStatus } from '../status.ts';
import type { RefOutcome } from './attach.ts';
import type { AnyRoute } from './tables.ts';

type ApiParentRef = NonNullable<AnyRoute['spec']['parentRefs']>[number];

/** A parentRef as status repeats it. */
const shownRef = ({ group, kind, namespace, name, sectionName, port }: ApiParentRef): ParentRef => ({
  group,
  kind,
  ...(namespace === undefined ? {} : { namespace }),
  name,
  ...(sectionName === undefined ? {} : { sectionName }),
  ...(port === undefined ? {} : { port }),
});

/** Status for one parentRef of a route; the same object while the same is said. */
export const parentStatuses = (controllerName: string): ((outcome: RefOutcome) => ParentStatus) => {
  const known = new WeakMap<AnyRoute, { readonly outcome: RefOutcome; readonly status: ParentStatus }[]>();
  return (outcome) => {
    const ofRoute = known.get(outcome.route) ?? [];
    known.set(outcome.route, ofRoute);
    const last = ofRoute[outcome.refIndex];
    if (last !== undefined && last.outcome.node === outcome.node && equal(last.outcome.refused, outcome.refused)) return last.status;
    const status = parentStatusOf(outcome, controllerName);
    ofRoute[outcome.refIndex] = { outcome, status };
    return status;
  };
};

const parentStatusOf = ({ route, node, refIndex, refused }: RefOutcome, controllerName: string): ParentStatus => {
  const conditions = conditionsOf(route.metadata.generation);
  const ref = route.spec.parentRefs?.[refIndex];
  if (ref === undefined) throw new Error('unreachable: an outcome is about one of the route’s parentRefs');
  const { unresolved, remark, partiallyInvalid } = node;
  return {
    parentRef: shownRef(ref),
    controllerName,
    conditions: [
      conditions.unless(refused, 'Accepted', 'The route is accepted'),
      conditions.unless(unresolved, 'ResolvedRefs', remark ?? 'All references resolve'),
      ...(partiallyInvalid === undefined || refused !== undefined
        ? []
        : [conditions.yes('PartiallyInvalid', partiallyInvalid.reason, partiallyInvalid.message)]),
    ],
  };
};

/** Status for a parentRef whose parent does not exist: on a cluster nobody would answer, but whoever edits a file has to be told. */
export const missingParentStatus = (route: AnyRoute, ref: ApiParentRef, controllerName: string): ParentStatus => ({
  parentRef: shownRef(ref),
  controllerName,
  conditions: [
    conditionsOf(route.metadata.generation).no(
      'Accepted',
      'NoMatchingParent',
      `${ref.kind} "${ref.namespace ?? route.metadata.namespace ?? ''}/${ref.name}" not found`,
    ),
  ],
});
