import type { HttpMatch, RouteEntry } from '../graph.ts';
import { type Chosen, chosenAt, leadingIn, ruleUnder } from './apply.ts';
import { combined } from './combine.ts';
import type { Governing } from './governing.ts';
import { isProtection, type PolicyMatch, type PolicyRule } from './policy.ts';

/** Requests of an entry that the same rules of policies are for. `narrowed`: the policy's own path by which it took them, by rule. */
type Variant = { readonly match: HttpMatch; readonly chosen: readonly Chosen[]; readonly by: ReadonlyMap<Chosen, PolicyMatch> };

/** How many entries may become of one. */
const atMost = 128;

/** What cannot be told to Envoy, by policy. */
export type Untold = { readonly rule: PolicyRule; readonly message: string };

export type Policed = { readonly entries: readonly RouteEntry[]; readonly untold: readonly Untold[] };

/**
 * An entry under policies, given from the most to the least specific: one entry for each combination of their rules that a request may meet, in the
 * order they are tried; the last is for what no rule matches. Policies of the backends that requests go to come on top.
 */
export const policed = (entry: RouteEntry, chain: readonly Governing[], backendsOf: BackendChain): Policed => {
  const untold: Untold[] = [];
  const { grpc } = entry.match;
  const plain: readonly Variant[] = [{ match: entry.match, chosen: [], by: new Map() }];
  const ofRoute = expanded(plain, chain, untold);
  const variants = ofRoute.flatMap((variant) => {
    const more = backendsOf(ruleUnder(entry.rule, grpc, variant.chosen));
    return more.length === 0
      ? [variant]
      : expanded([variant], more, untold).map((one) => ({ ...one, chosen: specificFirst(one, variant) }));
  });
  if (variants.length > atMost) return { entries: [refusing(entry)], untold: [...untold, ...tooMany(entry, chain)] };
  const entries = variants.map(({ match, chosen, by }, index) => entryFrom(entry, match, chosen, by, variants.length - 1 - index));
  return { entries: withOthersOfPeers(entries), untold };
};

/** Envoy looks for a route before it knows who asks, and what it then does not prepare for it cannot do once it knows. */
const withOthersOfPeers = (entries: readonly RouteEntry[]): readonly RouteEntry[] => {
  const orRules = [...new Set(entries.filter(({ match }) => match.peers !== undefined).map(({ rule }) => rule))];
  return orRules.length === 0 ? entries : entries.map((entry) => (entry.match.peers === undefined ? { ...entry, orRules } : entry));
};

/** Policies that target what a rule forwards to. */
export type BackendChain = (rule: RouteEntry['rule']) => readonly Governing[];

const specificFirst = (more: Variant, base: Variant): readonly Chosen[] => [...more.chosen.slice(base.chosen.length), ...base.chosen];

const expanded = (variants: readonly Variant[], chain: readonly Governing[], untold: Untold[]): readonly Variant[] =>
  chain.reduce<readonly Variant[]>(
    (all, governing) => (all.length > atMost ? all : all.flatMap((variant) => split(variant, governing, untold))),
    variants,
  );

/** The requests of a variant by the first rule of one policy that matches them. */
const split = (variant: Variant, { policy, level }: Governing, untold: Untold[]): readonly Variant[] => {
  const found: Variant[] = [];
  for (const rule of policy.rules) {
    const chosen = chosenAt(rule)(level);
    if (rule.matches === undefined) return [...found, { ...variant, chosen: [...variant.chosen, chosen] }];
    for (const match of rule.matches) {
      const both = combined(variant.match, match);
      const by = new Map([...variant.by, [chosen, match]]);
      if (both.kind === 'same') return [...found, { match: variant.match, chosen: [...variant.chosen, chosen], by }];
      if (both.kind === 'some') found.push({ match: both.match, chosen: [...variant.chosen, chosen], by });
      if (both.kind !== 'inexpressible') continue;
      untold.push({ rule, message: `${match.field}: Envoy cannot match ${both.what} at once` });
      if (isProtection(rule)) return [...found, { ...variant, chosen: [...variant.chosen, refusal(rule)(level)] }];
    }
  }
  return [...found, variant];
};

const refusals = new WeakMap<PolicyRule, PolicyRule>();

/** In place of a rule that nobody can tell which requests it is for. */
const refusal = (rule: PolicyRule): ((level: Governing['level']) => Chosen) => {
  const refusing = refusals.get(rule) ?? { policy: rule.policy, field: rule.field, actions: {}, blocked: true };
  refusals.set(rule, refusing);
  return chosenAt(refusing);
};

const refusing = (entry: RouteEntry): RouteEntry => ({
  ...entry,
  rule: { ...entry.rule, blocked: true, action: { kind: 'respond', status: entry.match.grpc ? 503 : 500 } },
});

const tooMany = (entry: RouteEntry, chain: readonly Governing[]): readonly Untold[] =>
  chain.flatMap(({ policy }) =>
    policy.rules.slice(0, 1).map((rule) => ({
      rule,
      message: `${entry.owner} would become more than ${atMost} routes by the matches of its policies; its requests get an error`,
    })),
  );

/** The last, which takes what no rule matches, keeps the entry's name. */
const entryFrom = (entry: RouteEntry, match: HttpMatch, chosen: readonly Chosen[], by: Variant['by'], fromLast: number): RouteEntry => {
  if (match === entry.match && chosen.length === 0) return entry;
  const leading = leadingIn(chosen);
  const redirected = leading?.rule.actions.redirect && by.get(leading)?.path;
  const written = redirected?.type === 'prefix' ? redirected : (entry.writtenPath ?? entry.match.path);
  const isNarrowed = written.type !== match.path.type || written.value !== match.path.value;
  return {
    ...entry,
    id: fromLast === 0 ? entry.id : `${entry.id}/policies/${fromLast}`,
    match,
    ...(isNarrowed ? { writtenPath: written } : {}),
    rule: ruleUnder(entry.rule, match.grpc, chosen),
  };
};
