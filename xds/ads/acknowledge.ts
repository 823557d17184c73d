import { changeBetween } from '../snapshot/diff.ts';
import type { EncodedResource } from '../snapshot/encoded.ts';
import { namesIn } from './culprit.ts';
import { covers, type Flight, type StreamState, type Subscription } from './state.ts';
import { isFullState } from './types.ts';
import { certainOf, type Held, heldIn, isOurs, isUncertain, uncertain, type View, viewWith } from './view.ts';

/** Enough to find several culprits among thousands by halving; a client that rejects more often is left with what it has. */
const rejectionsAtMost = 64;

/** The client has accepted a response, and with it those sent before. Returns the version it carried. */
export const accept = (state: StreamState, subscription: Subscription, flight: Flight): string => {
  subscription.flights = subscription.flights.slice(subscription.flights.indexOf(flight) + 1);
  subscription.done = Math.max(subscription.done, flight.done);
  subscription.unsure = false;
  if (subscription.isolated.size === 0) subscription.error = '';
  const { base, except } = flight.after;
  if (subscription.wildcard && except.size === 0 && isFullState(base.typeUrl)) state.history.accept(base);
  return base.version;
};

/**
 * The client has rejected a response, and so holds of it nothing new. What it rejected is not sent again as long as it stays what it
 * is: the resource that the message names, or the only one that was new, is isolated; else all that was new is, and tried in halves.
 * Everything else goes out again. Returns the names found guilty.
 */
export const reject = (state: StreamState, subscription: Subscription, flight: Flight, message: string): readonly string[] => {
  subscription.flights = subscription.flights.slice(subscription.flights.indexOf(flight) + 1);
  subscription.error = message;
  subscription.rejections++;
  const touched = touchedBy(subscription, flight);
  const fresh = newIn(touched, flight);
  const untried = fresh.filter(({ name, version }) => state.history.acceptedOf(subscription.typeUrl, name)?.version !== version);
  const suspects = untried.length > 0 ? untried : fresh;
  const explained = isExplained(subscription, flight);
  const culprits = suspects.length === 1 && !explained ? suspects : named(message, fresh);
  // Without anything new there is nothing to hold back either, and whatever went out again would be rejected again.
  if (fresh.length > 0) revert(subscription, flight, touched, culprits);
  if (culprits.length > 0) {
    for (const resource of culprits) isolate(state, subscription, flight.before, resource);
    return culprits.map(({ name }) => name);
  }
  if (explained) return [];
  for (const resource of suspects) isolate(state, subscription, flight.before, resource);
  if (subscription.rejections > rejectionsAtMost) subscription.trials.length = 0;
  else if (suspects.length > 0) {
    const names = suspects.map(({ name }) => name);
    const half = Math.ceil(names.length / 2);
    subscription.trials.push(names.slice(half), names.slice(0, half));
  }
  return [];
};

/** Whether the response was sent before it became known that something in it is rejected: then that is the reason again. */
const isExplained = ({ isolated }: Subscription, flight: Flight): boolean =>
  [...isolated].some(([name, { version }]) => covers(flight, name) && heldIn(flight.after, name)?.version === version);

const named = (message: string, resources: readonly EncodedResource[]): readonly EncodedResource[] => {
  const names = namesIn(
    message,
    resources.map(({ name }) => name),
  );
  return resources.filter(({ name }) => names.has(name));
};

/** Names that a response can have changed at the client. */
const touchedBy = (subscription: Subscription, flight: Flight): readonly string[] => {
  const { before, after } = flight;
  const { changed, removed } = changeBetween(before.base, after.base);
  const names = new Set([...changed.map(({ name }) => name), ...removed, ...before.except.keys(), ...after.except.keys()]);
  return [...names].filter((name) => covers(flight, name) && covers(subscription, name));
};

/** The resources of a response that the client did not hold before in that version. */
const newIn = (touched: readonly string[], { before, after }: Flight): readonly EncodedResource[] =>
  touched
    .map((name) => heldIn(after, name))
    .filter(isOurs)
    .filter(({ name, version }) => heldIn(before, name)?.version !== version);

/**
 * Takes back what the response changed, at the client as at what was sent before its answer came: that was not sent on top of it. Of a
 * culprit the client has taken nothing; of what came with it, perhaps.
 */
const revert = (
  subscription: Subscription,
  { before, after }: Flight,
  touched: readonly string[],
  culprits: readonly EncodedResource[],
): void => {
  const guilty = new Set(culprits.map(({ name }) => name));
  const reverted = touched.filter((name) => heldIn(before, name)?.version !== heldIn(after, name)?.version);
  const withoutIt = (view: View): View => {
    const held = new Map<string, Held | undefined>();
    for (const name of reverted) {
      // What a later response has changed again stays as that left it.
      if (heldIn(view, name)?.version !== heldIn(after, name)?.version) continue;
      const was = heldIn(before, name);
      held.set(name, guilty.has(name) ? was : uncertain(was));
    }
    return viewWith(view, held);
  };
  subscription.view = withoutIt(subscription.view);
  subscription.flights = subscription.flights.map((later) => ({ ...later, before: withoutIt(later.before) }));
  const clusters = new Set(touched.flatMap((name) => certainOf(heldIn(after, name))?.warms ?? []));
  if (clusters.size > 0) subscription.awaiting = subscription.awaiting.filter((name) => !clusters.has(name));
};

const isolate = (state: StreamState, subscription: Subscription, before: View, rejected: EncodedResource): void => {
  const { name, version } = rejected;
  const known = subscription.isolated.get(name);
  const held = heldIn(before, name);
  const previous = isUncertain(held) ? held.before : held;
  // What was rejected now can itself be what was to stand for something rejected before.
  if (known !== undefined && known.version !== version) {
    subscription.isolated.set(name, { version: known.version, stands: previous });
    return;
  }
  const accepted = state.history.acceptedOf(subscription.typeUrl, name);
  const stands = previous ?? (accepted?.version === version ? undefined : accepted);
  subscription.isolated.set(name, { version, stands });
};
