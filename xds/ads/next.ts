import type { EncodedResource } from '../snapshot/encoded.ts';
import type { TypeSnapshot } from '../snapshot/snapshot.ts';
import { mayLeave, mayRefer } from './order.ts';
import { plan, resourcesIn } from './plan.ts';
import { covers, isInFlight, type Response, type StreamState, type Subscription, subscriptionOf, targetOf } from './state.ts';
import { CDS, EDS, isFullState, LDS, refersToClusters, SRDS } from './types.ts';
import { heldIn, isOurs } from './view.ts';

/** Answers to names asked for meanwhile go out beside unanswered responses; more than this many at once would be a client that never answers. */
const flightsAtMost = 8;

/** The one response that is due now, of the first type in order that has something to say; none while the transport is busy. */
export const next = (state: StreamState): readonly Response[] => {
  if (!state.writable || state.snapshot === undefined) return [];
  for (let settled = -1, before = -2; settled !== before;) {
    before = settled;
    settled = 0;
    for (const subscription of state.subscriptions) {
      const response = nextOf(state, subscription);
      if (response !== undefined) {
        state.writable = false;
        return [response];
      }
      // What one type has settled can set free what another still keeps.
      settled += subscription.done;
    }
  }
  return [];
};

const nextOf = (state: StreamState, subscription: Subscription): Response | undefined => {
  const { typeUrl, asked, trials } = subscription;
  const target = targetOf(state, typeUrl);
  if (target === undefined) return undefined;
  const inFlight = isInFlight(subscription);
  const isAsked = asked.size > 0 || subscription.unanswered;
  if (inFlight && (!isAsked || subscription.flights.length >= flightsAtMost)) return undefined;
  if (refersToClusters(typeUrl) && !mayRefer(state)) return undefined;
  for (;;) {
    if (!inFlight) for (const name of trials.pop() ?? []) subscription.isolated.delete(name);
    const response = respond(state, subscription, target);
    if (response !== undefined || inFlight || trials.length === 0) return response;
  }
};

const respond = (state: StreamState, subscription: Subscription, target: TypeSnapshot): Response | undefined => {
  const { mode } = state;
  const { typeUrl, asked, again, unanswered, wildcard, view: before } = subscription;
  const full = mode === 'sotw' && isFullState(typeUrl);
  const { view, resources, removed } = plan(subscription, target, mode, (name) => mayLeave(state, subscription, name));
  // An empty answer says something where absence does: to a first wildcard, and in SotW for the types whose responses are complete.
  const isDue =
    resources.length > 0 ||
    (removed.length > 0 && (mode === 'delta' || full)) ||
    (unanswered && (wildcard || full)) ||
    (asked.size > 0 && full);
  subscription.view = view;
  subscription.unanswered = false;
  asked.clear();
  again.clear();
  const done = doneBy(state, subscription);
  if (!isDue) {
    if (!isInFlight(subscription)) subscription.done = done;
    return undefined;
  }
  const nonce = (++state.sent).toString(36);
  const version = full && view.except.size > 0 ? `${target.version}~${nonce}` : target.version;
  const flight = { nonce, wildcard, names: subscription.names, before, after: view, done, late: false };
  subscription.flights = [...subscription.flights.slice(1 - flightsAtMost), flight];
  subscription.version = version;
  if (typeUrl === CDS) warm(state, subscription, resources);
  if (typeUrl === LDS && resources.length > 0) repeatScopes(state);
  return {
    typeUrl,
    nonce,
    version,
    resources: full ? resourcesIn(view, subscription) : resources,
    removed: mode === 'delta' ? removed : [],
  };
};

/** The generation that the client has reached once it accepts the view, with all that had to go before it. */
const doneBy = ({ generation }: StreamState, { leaving }: Subscription): number => {
  let done = generation;
  for (const since of leaving.values()) done = Math.min(done, since - 1);
  return done;
};

/**
 * Envoy keeps an added or changed EDS cluster warming until its assignment arrives, and does not ask for one it is subscribed to
 * already (seen with Envoy 1.40; Envoy #13009), so that one is sent again. Until then routes must not refer to the cluster.
 */
const warm = (state: StreamState, clusters: Subscription, sent: readonly EncodedResource[]): void => {
  const names = warmedBy(sent);
  if (names.length === 0) return;
  clusters.awaiting = clusters.awaiting.length === 0 ? names : [...clusters.awaiting, ...names];
  const endpoints = subscriptionOf(state, EDS);
  if (endpoints === undefined) return;
  for (const name of names) if (covers(endpoints, name) && isOurs(heldIn(endpoints.view, name))) endpoints.again.add(name);
};

/**
 * Envoy does not say that it has dropped its scopes with the last listener that used them, nor asks for them when another begins to use them,
 * which then keeps warming (seen with Envoy 1.40): so they follow every change of listeners. What it has already it passes over.
 */
const repeatScopes = (state: StreamState): void => {
  const scopes = subscriptionOf(state, SRDS);
  if (scopes === undefined) return;
  for (const name of targetOf(state, SRDS)?.resources.keys() ?? []) if (isOurs(heldIn(scopes.view, name))) scopes.again.add(name);
};

const warmedBy = (sent: readonly EncodedResource[]): readonly string[] => {
  let names = warmed.get(sent);
  if (names === undefined) {
    names = sent.flatMap(({ warms }) => warms ?? []);
    warmed.set(sent, names);
  }
  return names;
};
const warmed = new WeakMap<readonly EncodedResource[], readonly string[]>();
