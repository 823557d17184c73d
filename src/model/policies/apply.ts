import { areSame, memo } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { HeaderChanges, HttpAction, HttpRule } from '../graph.ts';
import type { Field, PolicyRule } from './policy.ts';
import type { Level } from './targets.ts';

/** A rule that counts for a request, and where its policy stands. */
export type Chosen = { readonly rule: PolicyRule; readonly level: Level };

type Known = { readonly chosen: readonly Chosen[]; readonly rule: HttpRule };

const made = memo<HttpRule, Known[]>(() => []);

/** Under one Gateway there are few different ones. */
const keptAtMost = 32;

/**
 * What a route's rule becomes under rules of policies, given from the most to the least specific. The same object for the same rules. What
 * policies of the route or its rule say holds whatever the route itself says; of others, what the route itself says holds.
 */
export const ruleUnder = (rule: HttpRule, grpc: boolean, chosen: readonly Chosen[]): HttpRule => {
  if (chosen.length === 0) return rule;
  const known = made(rule);
  const found = known.find((one) => areSame(one.chosen, chosen));
  if (found !== undefined) return found.rule;
  const under = applied(rule, grpc, chosen);
  if (known.length >= keptAtMost) known.shift();
  known.push({ chosen, rule: under });
  return under;
};

/** Chosen rules are looked up by identity, so each has one object for each level. */
export const chosenAt = memo<PolicyRule, (level: Level) => Chosen>((rule) => {
  const known = new Map<Level, Chosen>();
  return (level) => {
    const chosen = known.get(level) ?? { rule, level };
    known.set(level, chosen);
    return chosen;
  };
});

const applied = (rule: HttpRule, grpc: boolean, chosen: readonly Chosen[]): HttpRule => {
  const { requestTimeoutMs, backendTimeoutMs, ...untimed } = rule;
  const ownTimeouts =
    requestTimeoutMs === undefined && backendTimeoutMs === undefined ? undefined : present({ requestTimeoutMs, backendTimeoutMs });
  const identities = [...(rule.identities ?? []), ...chosen.flatMap(({ rule: { actions } }) => actions.identity ?? [])];
  return {
    ...untimed,
    requestHeaders: headersUnder(rule.requestHeaders, chosen, 'requestHeaders'),
    responseHeaders: headersUnder(rule.responseHeaders, chosen, 'responseHeaders'),
    ...around('timeouts', ownTimeouts, chosen),
    ...present({
      retry: around('retry', rule.retry, chosen),
      cors: around('cors', rule.cors, chosen),
      externalAuth: rule.externalAuth ?? first('externalAuth', chosen),
      rateLimit: first('rateLimit', chosen),
      jwt: first('jwt', chosen),
      identities: identities.length === 0 ? undefined : identities,
    }),
    action: actionUnder(rule, grpc, chosen),
  };
};

type Actions = PolicyRule['actions'];

const first = <F extends Field>(field: F, chosen: readonly Chosen[]): Actions[F] | undefined =>
  chosen.find(({ rule }) => rule.actions[field] !== undefined)?.rule.actions[field];

const aboveRoute = ({ level }: Chosen): boolean => level === 'rule' || level === 'route' || level === 'backend';

/** A field that routes have themselves. */
const around = <F extends Field>(field: F, own: Actions[F] | undefined, chosen: readonly Chosen[]): Actions[F] | undefined =>
  first(field, chosen.filter(aboveRoute)) ?? own ?? first(field, chosen);

/** Changes of other headers stand side by side. */
const headersUnder = (own: HeaderChanges, chosen: readonly Chosen[], field: 'requestHeaders' | 'responseHeaders'): HeaderChanges => {
  const strong = first(field, chosen.filter(aboveRoute));
  if (strong !== undefined) return withChanges(own, strong);
  const weak = first(field, chosen);
  return weak === undefined ? own : withChanges(weak, own);
};

const withChanges = (weak: HeaderChanges, strong: HeaderChanges): HeaderChanges => {
  const named = new Set([...strong.set, ...strong.add].map(({ name }) => name).concat(strong.remove));
  return {
    set: [...weak.set.filter(({ name }) => !named.has(name)), ...strong.set],
    add: [...weak.add.filter(({ name }) => !named.has(name)), ...strong.add],
    remove: [...weak.remove.filter((name) => !named.has(name)), ...strong.remove],
  };
};

/** An error that protects something stands; else a route or redirect of a policy takes the place of the route's own. */
const actionUnder = (rule: HttpRule, grpc: boolean, chosen: readonly Chosen[]): HttpAction => {
  if (rule.blocked) return rule.action;
  if (chosen.some((one) => one.rule.blocked)) return { kind: 'respond', status: grpc ? 503 : 500 };
  const leading = leadingIn(chosen);
  if (leading === undefined) return rule.action;
  const { redirect, forward } = leading.rule.actions;
  if (redirect !== undefined) return { kind: 'redirect', redirect };
  return (grpc ? forward?.grpc : forward?.http) ?? rule.action;
};

/** Who says where requests go, if it is not the route itself. */
export const leadingIn = (chosen: readonly Chosen[]): Chosen | undefined =>
  chosen.find(({ rule: { actions } }) => actions.redirect !== undefined || actions.forward !== undefined);
