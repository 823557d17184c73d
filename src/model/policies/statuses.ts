import type { PolicyTargetReference } from '../../api/generated/tailscale.ts';
import type { KindMap } from '../../api/kinds.ts';
import { reuse } from '../../lib/equal.ts';
import { localKey, type ObjectKey, objectKey, partsOf } from '../../lib/key.ts';
import { memo, sameElements } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { Gateway, Graph } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import { statusLimits } from '../status-limits.ts';
import type { AncestorStatus, Condition, ParentRef, Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';
import { lossOf } from './conflicts.ts';
import type { Policies } from './governing.ts';
import type { Policy } from './policy.ts';
import { type Idle, idleOnBytes } from './streams.ts';
import { targetKeyOf } from './targets.ts';
import { unknownNamesIn } from './unknown-names.ts';
import type { Untold } from './variants.ts';

type Entry = readonly [ObjectKey, Status];

export type PolicyWorld = {
  readonly policies: Policies;
  readonly gateways: Graph['gateways'];
  readonly untold: readonly Untold[];
  readonly tables: ModelTables;
};

/** Status of every policy; what says the same is the same object as before, and so is the whole. */
export const policyStatusesBuilder = (controllerName: string): ((world: PolicyWorld) => readonly Entry[]) => {
  const known = new Map<ObjectKey, Entry>();
  let last: readonly Entry[] = [];
  return (world) => {
    const entries = world.policies.all.map((policy): Entry => {
      const status: Status = { kind: 'TailscaleRoutePolicy', ancestors: ancestorsOf(policy, world, controllerName) };
      const before = known.get(policy.key);
      const settled = before === undefined ? status : reuse(before[1], status);
      const entry: Entry = before !== undefined && settled === before[1] ? before : [policy.key, settled];
      known.set(policy.key, entry);
      return entry;
    });
    if (known.size > entries.length) {
      const now = new Set(entries.map(([key]) => key));
      for (const key of known.keys()) if (!now.has(key)) known.delete(key);
    }
    last = sameElements(last, entries);
    return last;
  };
};

/** What one target came to: whom it concerns, or why nobody. */
type Outcome = {
  readonly at: string;
  readonly key: string;
  readonly kind: string;
  readonly ancestors: readonly ObjectKey[];
  readonly missing?: string;
};

const ancestorsOf = (policy: Policy, world: PolicyWorld, controllerName: string): readonly AncestorStatus[] => {
  const outcomes = policy.object.spec.targetRefs.map((ref, index) => outcomeOf(ref, index, policy, world));
  const concerned = Map.groupBy(
    outcomes.flatMap((outcome) => outcome.ancestors.map((ancestor) => ({ ancestor, outcome }))),
    ({ ancestor }) => ancestor,
  );
  return [...concerned].slice(0, statusLimits.ancestors).map(([ancestor, found]) => ({
    ancestorRef: refOf(ancestor),
    controllerName,
    conditions: conditionsFor(
      policy,
      found.map(({ outcome }) => outcome),
      world,
    ),
  }));
};

const refOf = (key: ObjectKey): ParentRef => {
  const { kind, namespace, name } = partsOf(key);
  const group = kind.startsWith('Tailscale') ? 'gateway.tailscale.com' : 'gateway.networking.k8s.io';
  return { group, kind, namespace, name };
};

/** Of routes the Gateways that they are on are concerned, of everything else the target itself. */
const outcomeOf = (ref: PolicyTargetReference, index: number, { object }: Policy, { gateways, tables }: PolicyWorld): Outcome => {
  const namespace = object.metadata.namespace ?? '';
  const target = objectKey(ref.kind, namespace, ref.name);
  const common = { at: `spec.targetRefs[${index}]`, key: targetKeyOf(ref, namespace), kind: ref.kind };
  const missing = absenceOf(ref, localKey(namespace, ref.name), tables);
  if (missing !== undefined) return { ...common, ancestors: [target], missing };
  if (ref.kind === 'Gateway') {
    const isServed = gateways.has(localKey(namespace, ref.name));
    return isServed
      ? { ...common, ancestors: [target] }
      : {
          ...common,
          ancestors: [target],
          missing: `Gateway "${localKey(namespace, ref.name)}" is not served: it is of another class, or not accepted`,
        };
  }
  if (!isRoute(ref.kind)) return { ...common, ancestors: [target] };
  const on = [...gateways.values()].filter((gateway) => routesOn(gateway).has(target)).map(({ key }) => key);
  return { ...common, ancestors: on.length > 0 ? on : [target] };
};

const isOfBytes = (kind: string): boolean => kind === 'TCPRoute' || kind === 'TLSRoute';
const isRoute = (kind: string): boolean => kind === 'HTTPRoute' || kind === 'GRPCRoute' || isOfBytes(kind);

/** Routes whose requests or bytes a Gateway takes. */
const routesOn = memo(({ sockets }: Gateway): ReadonlySet<ObjectKey> => {
  const owners = new Set<ObjectKey>();
  for (const { listeners } of sockets)
    for (const listener of listeners) {
      if ('virtualHosts' in listener) for (const { entries } of listener.virtualHosts) for (const { owner } of entries) owners.add(owner);
      if ('serverNames' in listener) for (const { rule } of listener.serverNames) owners.add(rule.owner);
      if ('rule' in listener && listener.rule !== undefined) owners.add(listener.rule.owner);
    }
  return owners;
});

type Targeted =
  | 'Gateway'
  | 'HTTPRoute'
  | 'GRPCRoute'
  | 'TCPRoute'
  | 'TLSRoute'
  | 'TailscaleEndpoints'
  | 'TailscaleServices'
  | 'TailscaleGateway';

const absenceOf = (ref: PolicyTargetReference, key: string, tables: ModelTables): string | undefined => {
  const found = foundAt(ref.kind, key, tables);
  if (found === undefined) return `${ref.kind} "${key}" not found`;
  if (ref.sectionName === undefined) return undefined;
  const isThere = sectionsOf(found).some((name) => name === ref.sectionName);
  return isThere ? undefined : `${ref.kind} "${key}" has no ${ref.kind === 'Gateway' ? 'listener' : 'rule'} named "${ref.sectionName}"`;
};

const foundAt = (kind: string, key: string, tables: ModelTables): KindMap[Targeted] | undefined => {
  switch (kind) {
    case 'Gateway':
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TCPRoute':
    case 'TLSRoute':
    case 'TailscaleEndpoints':
    case 'TailscaleServices':
    case 'TailscaleGateway':
      return tables[kind].get(key);
    default:
      return undefined;
  }
};

const sectionsOf = (object: KindMap[Targeted]): readonly (string | undefined)[] => {
  if (object.kind === 'Gateway') return object.spec.listeners.map(({ name }) => name);
  return 'rules' in object.spec ? (object.spec.rules ?? []).map(({ name }) => name) : [];
};

const conditionsFor = (policy: Policy, outcomes: readonly Outcome[], { policies, untold, tables }: PolicyWorld): readonly Condition[] => {
  const conditions = conditionsOf(policy.object.metadata.generation);
  const losses = outcomes.flatMap(({ at, key, missing }) => {
    const loss = missing === undefined ? lossOf(policy, policies.on.get(key) ?? []) : undefined;
    return loss === undefined ? [] : [{ ...loss, message: `${at}: ${loss.message}` }];
  });
  const lost = losses.map(({ message }) => message).join('; ');
  const isLost = outcomes.length > 0 && losses.length === outcomes.length && losses.every(({ all }) => all);
  const inexpressible = [...new Set(untold.filter(({ rule }) => rule.policy === policy.key).map(({ message }) => message))];
  const idle = idleIn(policy, outcomes);
  const partial = [...(policy.invalid?.all === false ? [policy.invalid.verdict.message] : []), ...idle.messages, ...inexpressible];
  const partly = idle.all ? '' : partial.join('; ');
  const remarks = [...policy.remarks, ...unknownNamesIn(policy, tables.tailnets)];
  return [
    conditions.unless(
      missingIn(outcomes) ??
        (policy.invalid?.all === true ? policy.invalid.verdict : undefined) ??
        (idle.all ? { reason: 'UnsupportedValue', message: idle.messages.join('; ') } : undefined) ??
        (isLost ? { reason: 'Conflicted', message: lost } : undefined),
      'Accepted',
      'The policy is accepted',
    ),
    conditions.unless(policy.unresolved, 'ResolvedRefs', ['All references resolve', ...remarks].join('; ')),
    ...(losses.length === 0 ? [] : [conditions.yes('Conflicted', 'Conflicted', lost)]),
    ...(partly === '' ? [] : [conditions.yes('PartiallyInvalid', 'UnsupportedValue', partly)]),
  ];
};

/** What of it cannot concern bytes, where it targets routes of these; `all` where nothing is left of it that concerns any target. */
const idleIn = (policy: Policy, outcomes: readonly Outcome[]): Idle => {
  const onBytes = outcomes.filter(({ kind, missing }) => isOfBytes(kind) && missing === undefined);
  if (onBytes.length === 0) return { messages: [], all: false };
  const { messages, all } = idleOnBytes(policy);
  return { messages, all: all && onBytes.length === outcomes.length };
};

/** A policy whose other targets exist is in force there. */
const missingIn = (outcomes: readonly Outcome[]): Verdict | undefined => {
  const messages = outcomes.flatMap(({ at, missing }) => (missing === undefined ? [] : [`${at}: ${missing}`]));
  return messages.length === outcomes.length ? { reason: 'TargetNotFound', message: messages.join('; ') } : undefined;
};
