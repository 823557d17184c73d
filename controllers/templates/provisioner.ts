/** Makes the TailscaleEndpoints that TailscaleServices' templates ask for, and takes away those that nobody selects any more. */
import { Observable } from 'rxjs';
import type { TailscaleEndpoints } from '../../src/api/generated/tailscale.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { equal } from '../../src/lib/equal.ts';
import type { Provisioned } from '../../src/model/graph.ts';
import { isAutoProvisioned } from '../../src/model/tailnets/templates.ts';
import { apply } from '../runtime/apply.ts';
import type { Action } from '../runtime/plan.ts';
import { WorkQueue } from '../runtime/queue.ts';

export type TemplatesOptions = {
  readonly api: ApiServer;
  /** `existing`: all TailscaleEndpoints there are, by `namespace/name`. */
  readonly world$: Observable<{ readonly provisioned: Provisioned; readonly existing: ReadonlyMap<string, TailscaleEndpoints> }>;
  /** Aborted when we are no longer the one who writes. */
  readonly signal: AbortSignal;
  readonly failed?: (endpoints: string, error: unknown, retryInMs: number | undefined) => void;
};

/** What is to be done about each, by `namespace/name`; nothing about those that are as wanted. One without our annotation is never touched. */
export const actionsFor = (
  { wanted, unwanted }: Provisioned,
  existing: ReadonlyMap<string, TailscaleEndpoints>,
): ReadonlyMap<string, Action> => {
  const actions = new Map<string, Action>();
  for (const [key, endpoints] of wanted) {
    const standing = existing.get(key);
    if (standing === undefined) actions.set(key, { do: 'apply', object: objectOf(endpoints), standing: undefined });
    else if (isAutoProvisioned(standing) && !says(standing, endpoints))
      actions.set(key, { do: 'apply', object: objectOf(endpoints), standing: objectOf(standing) });
  }
  for (const key of unwanted) {
    const standing = existing.get(key);
    if (standing !== undefined && isAutoProvisioned(standing)) actions.set(key, { do: 'delete', object: objectOf(standing) });
  }
  return actions;
};

const objectOf = ({ ...fields }: TailscaleEndpoints): KubeObject => fields;

/** Whether `standing` has all that we say; what others added is theirs. */
const says = (standing: TailscaleEndpoints, { metadata, spec }: TailscaleEndpoints): boolean =>
  equal(standing.spec, spec) &&
  holds(standing.metadata.labels, metadata.labels) &&
  holds(standing.metadata.annotations, metadata.annotations) &&
  equal(standing.metadata.ownerReferences ?? [], metadata.ownerReferences ?? []);

const holds = (all: Readonly<Record<string, string>> = {}, some: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(some).every(([name, value]) => all[name] === value);

/** Works for as long as it is subscribed to; gives nothing and never errors. */
export const provisionTemplates = ({ api, world$, signal, failed }: TemplatesOptions): Observable<never> =>
  new Observable(() => {
    const stopping = new AbortController();
    const isOurs = (object: KubeObject): boolean => isAutoProvisioned(object);
    const queue = new WorkQueue<Action>({
      work: async (_key, action, whileLeading) => void (await apply(action, { api, isOurs, signal: whileLeading })),
      concurrency: 4,
      signal: AbortSignal.any([signal, stopping.signal]),
      failed: (key, error, retryInMs) => failed?.(key, error, retryInMs),
    });
    let before: ReadonlyMap<string, Action> = new Map();
    const subscription = world$.subscribe(({ provisioned, existing }) => {
      const actions = actionsFor(provisioned, existing);
      for (const key of before.keys()) if (!actions.has(key)) queue.forget(key);
      for (const [key, action] of actions) if (!equal(before.get(key), action)) queue.add(key, action);
      before = actions;
    });
    return () => {
      subscription.unsubscribe();
      stopping.abort();
    };
  });
