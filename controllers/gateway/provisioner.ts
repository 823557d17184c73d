/** Makes what Gateways need on the cluster, and takes away what they no longer do. */
import { Observable } from 'rxjs';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { applyAll } from '../runtime/apply.ts';
import { plan } from '../runtime/plan.ts';
import { WorkQueue } from '../runtime/queue.ts';
import type { GatewayContext } from './context.ts';
import type { Entrances } from './entrances.ts';
import { belongsTo } from './metadata.ts';
import { refusalFrom } from './refusal.ts';
import { roundsBuilder, type Wanted } from './rounds.ts';

export type World = {
  /** Of accepted Gateways, by `namespace/name`. */
  readonly infrastructures: ReadonlyMap<string, Infrastructure>;
  /** The same object as long as nothing in it changes. */
  readonly contextOf: (infrastructure: Infrastructure) => GatewayContext;
  /** Of Gateways that are shared with tailnets, by `namespace/name`; each the same object as long as nothing in it changes. */
  readonly entrances?: ReadonlyMap<string, Entrances>;
  /** Everything that bears our label, with `managedFields`; whole, of every kind in `provisionedResources`. */
  readonly observed: readonly KubeObject[];
};

export type ProvisionerOptions = {
  readonly api: ApiServer;
  readonly world$: Observable<World>;
  /** Aborted when we are no longer the one who writes: nothing is begun from then on. */
  readonly signal: AbortSignal;
  /** Gateways worked on at the same time. */
  readonly concurrency?: number;
  readonly failed?: (gateway: string, error: unknown, retryInMs: number | undefined) => void;
};

/** Why objects could not be made, by `namespace/name` of the Gateway. */
export type Refusals = ReadonlyMap<string, Verdict>;

/**
 * Works for as long as it is subscribed to; tells what it was refused, at first nothing. Deletes only what bears our label and is owned by the
 * Gateway, and only while that Gateway wants something: one that is gone is cleaned up after by the cluster, one that became invalid keeps what
 * it has. A foreign object with a name we need stays as it is, and is a refusal. Never errors.
 */
export const provision = ({ api, world$, signal, concurrency = 4, failed }: ProvisionerOptions): Observable<Refusals> =>
  new Observable((out) => {
    const stopping = new AbortController();
    const until = AbortSignal.any([signal, stopping.signal]);
    let refusals: Refusals = new Map();
    const tell = (gateway: string, refusal: Verdict | undefined): void => {
      if (refusals.get(gateway)?.message === refusal?.message) return;
      const next = new Map(refusals);
      if (refusal === undefined) next.delete(gateway);
      else next.set(gateway, refusal);
      out.next((refusals = next));
    };
    const queue = new WorkQueue<Wanted>({
      work: async (gateway, { uid, desired, standing }, whileLeading) => {
        const isOurs = (object: KubeObject): boolean => belongsTo(object, uid);
        await applyAll(plan(desired, standing), { api, isOurs, signal: whileLeading });
        tell(gateway, undefined);
      },
      concurrency,
      signal: until,
      failed: (gateway, error, retryInMs) => {
        tell(gateway, refusalFrom(error));
        failed?.(gateway, error, retryInMs);
      },
    });
    const roundOf = roundsBuilder();
    let known: ReadonlyMap<string, Wanted> = new Map();
    out.next(refusals);
    const subscription = world$.subscribe((world) => {
      const round = roundOf(world);
      for (const gateway of known.keys()) {
        if (round.has(gateway)) continue;
        queue.forget(gateway);
        tell(gateway, undefined);
      }
      for (const [gateway, wanted] of round) {
        if (wanted === known.get(gateway)) continue;
        if (plan(wanted.desired, wanted.standing).length > 0) queue.add(gateway, wanted);
        else {
          queue.forget(gateway);
          tell(gateway, undefined);
        }
      }
      known = round;
    });
    return () => {
      subscription.unsubscribe();
      stopping.abort();
    };
  });
