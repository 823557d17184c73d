/** Makes a set of proxies as it is wanted. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { localKey, partsOf } from '../../src/lib/key.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { applyAll } from '../runtime/apply.ts';
import { TerminalError } from '../runtime/errors.ts';
import { plan } from '../runtime/plan.ts';
import { keepCertificates } from './certificates.ts';
import { type Group, statefulSetIn, type StatefulSetFields } from './group.ts';
import type { Hosting } from './hosting.ts';
import { nudge } from './nudge.ts';
import { imageProblem } from './objects/image.ts';
import { belongsTo, finalizer } from './objects/metadata.ts';
import { imageOf, objectsFor } from './objects/objects-for.ts';
import { isPrepared, type OwnedSet, prepare, type ReplicaSecrets } from './prepare.ts';
import { ownerResources } from './resources.ts';
import { retireReplica } from './retire.ts';
import type { Tools } from './work.ts';

/**
 * Makes or changes what stands in `group` into what `set` wants; what it tells stays wrong until the set changes. What goes wrong with one replica
 * does not hold up the others, nor what has nothing to do with it, and is thrown at the end. Proxies are started as far as they are prepared; none
 * that runs is stopped for not being so.
 */
export const build = async (set: OwnedSet, group: Group, owner: KubeObject, tools: Tools): Promise<Verdict | undefined> => {
  const { api, context, signal } = tools;
  const problem = imageProblem(imageOf(set, context));
  if (problem !== undefined) return problem;
  await holdOwner(set, owner, tools);
  const failures = new Failures(signal);
  const key = localKey(set.namespace, set.name);
  const hosting = set.direction === 'ingress' ? tools.hosting.decide(key, set, group) : undefined;
  tools.again(key, hosting?.until ?? Number.POSITIVE_INFINITY);
  let prepared = 0;
  for (let ordinal = 0; ordinal < set.replicas; ordinal++) {
    const seen: ReplicaSecrets = { state: group.states.get(ordinal), config: group.configs.get(ordinal) };
    const can = await failures.catch(() => prepare(set, ordinal, seen, { ...tools, ...advertising(hosting, ordinal) }), isPrepared(seen));
    if (can && prepared === ordinal) prepared = ordinal + 1;
  }
  const isOurs = (object: KubeObject): boolean => belongsTo(object, set.uid);
  const standing = standingReplicas(group);
  const desired = objectsFor(hosting?.handsOver === true ? { ...set, replicas: standing } : set, {
    ...context,
    prepared: Math.max(prepared, standing),
    ...(hosting === undefined ? {} : { serve: hosting.serve, lead: hosting.lead }),
  });
  await failures.catch(() => applyAll(plan(desired, group.objects), { api, isOurs, signal }), []);
  const ordinals = new Set([...group.states.keys(), ...group.configs.keys()]);
  for (const ordinal of ordinals) if (ordinal >= set.replicas) await failures.catch(() => retireReplica(set, ordinal, tools), undefined);
  if (hosting !== undefined) {
    await failures.catch(() => keepCertificates(set, group, hosting, tools), undefined);
    await failures.catch(() => nudge(group, tools.cluster), undefined);
  }
  failures.throw();
  return hosting === undefined || hosting.problems.length === 0
    ? undefined
    : { reason: 'ServiceInvalid', message: `Not hosted, until it is asked for otherwise: ${hosting.problems.join('; ')}` };
};

/** A replica of which nothing stands yet has nothing to advertise. */
const advertising = (hosting: Hosting | undefined, ordinal: number): { readonly advertise?: readonly string[] } =>
  hosting === undefined ? {} : { advertise: hosting.advertise.get(ordinal) ?? [] };

const standingReplicas = (group: Group): number => {
  const { spec } = (statefulSetIn(group) ?? {}) as StatefulSetFields;
  return spec?.replicas ?? 0;
};

/** First of all: nothing is made that could be left over. */
const holdOwner = async (set: OwnedSet, owner: KubeObject, { cluster }: Tools): Promise<void> => {
  const finalizers = owner.metadata.finalizers ?? [];
  if (finalizers.includes(finalizer)) return;
  const { kind } = partsOf(set.owner);
  await cluster.setFinalizers(owner, ownerResources[kind as keyof typeof ownerResources], [...finalizers, finalizer]);
};

/** What went wrong on the way. The first is worth telling, but for what only a change can help: the rest is to be tried again. */
class Failures {
  readonly #signal: AbortSignal;
  readonly #errors: unknown[] = [];

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async catch<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#errors.push(error);
      return otherwise;
    }
  }

  throw(): void {
    const passing = this.#errors.find((error) => !(error instanceof TerminalError));
    if (this.#errors.length > 0) throw passing ?? this.#errors[0];
  }
}
