import type { TailscaleRoutePolicy } from '../../api/generated/tailscale.ts';
import { memo, sameElements } from '../../lib/memo.ts';
import { byAge } from '../gateways/precedence.ts';
import type { ModelTables } from '../tables.ts';
import type { Policy } from './policy.ts';
import { resolvedPolicy } from './resolve.ts';
import { type Level, levelOf, type TargetKey, targetKeyOf } from './targets.ts';

/** A policy as it stands to one of its targets. */
export type Governing = { readonly policy: Policy; readonly level: Level };

/** All policies. The same object while none means anything else. */
export type Policies = {
  /** Oldest first. */
  readonly all: readonly Policy[];
  /** By what they target, oldest first. */
  readonly on: ReadonlyMap<TargetKey, readonly Governing[]>;
  /** Those that target backends; the same list while they are the same. */
  readonly onBackends: readonly Governing[];
};

const noPolicies: Policies = { all: [], on: new Map(), onBackends: [] };

export const policiesBuilder = (): ((tables: ModelTables) => Policies) => {
  let source: ModelTables['TailscaleRoutePolicy'] | undefined;
  let oldestFirst: readonly TailscaleRoutePolicy[] = [];
  let last = noPolicies;
  return (tables) => {
    if (source !== tables.TailscaleRoutePolicy) {
      source = tables.TailscaleRoutePolicy;
      oldestFirst = [...source.values()].toSorted((one, other) => byAge(one.metadata, other.metadata));
    }
    const all = sameElements(
      last.all,
      oldestFirst.map((object) => resolvedPolicy(object, tables)),
    );
    if (all !== last.all) last = all.length === 0 ? noPolicies : policiesFrom(all, last);
    return last;
  };
};

const policiesFrom = (all: readonly Policy[], last: Policies): Policies => {
  const on = byTarget(all);
  const onBackends = [...on.values()].flat().filter(({ level }) => level === 'backend');
  return { all, on, onBackends: sameElements(last.onBackends, onBackends) };
};

/** The same object for a policy and a level: what is under the same policies is known by it. */
const governingAt = memo<Policy, (level: Level) => Governing>((policy) => {
  const known = new Map<Level, Governing>();
  return (level) => {
    const governing = known.get(level) ?? { policy, level };
    known.set(level, governing);
    return governing;
  };
});

const byTarget = (all: readonly Policy[]): Policies['on'] => {
  const on = new Map<TargetKey, Governing[]>();
  for (const policy of all) {
    const { metadata, spec } = policy.object;
    for (const ref of spec.targetRefs) {
      const key = targetKeyOf(ref, metadata.namespace);
      const governing = governingAt(policy)(levelOf(ref));
      const known = on.get(key);
      if (known === undefined) on.set(key, [governing]);
      else known.push(governing);
    }
  }
  return on;
};
