import { covers, isInFlight, type StreamState, type Subscription, subscriptionOf, targetOf } from './state.ts';
import { CDS, ECDS, EDS, isOnlyByName, isReferredTo, referrersOf } from './types.ts';
import { type Held, heldIn, isOurs } from './view.ts';

/**
 * Whether resources that name clusters may be sent: the clusters of this snapshot were, and so were the endpoints they wait for. Sent,
 * not accepted: Envoy asks for what depends on a cluster before it accepts the cluster.
 */
export const mayRefer = (state: StreamState): boolean => {
  if (state.impatientAt >= state.generation) return true;
  const clusters = subscriptionOf(state, CDS);
  if (clusters === undefined) return true;
  if (clusters.view.base !== targetOf(state, CDS)) return false;
  if (clusters.awaiting.length === 0) return true;
  const endpoints = subscriptionOf(state, EDS);
  // A client without EDS may be about to ask for its first assignment; Envoy does so before it accepts the cluster.
  if (endpoints === undefined) return !isInFlight(clusters);
  const wanted = targetOf(state, EDS)?.resources;
  if (!clusters.awaiting.every((name) => wanted?.has(name) !== true || isDelivered(endpoints, name))) return false;
  clusters.awaiting = [];
  return true;
};

const isDelivered = (endpoints: Subscription, name: string): boolean =>
  endpoints.isolated.has(name) ||
  (covers(endpoints, name) && !endpoints.again.has(name) && !endpoints.asked.has(name) && heldIn(endpoints.view, name) !== undefined);

/**
 * Whether a name that the snapshot no longer has may be taken from the client: whatever could refer to it was accepted in a generation
 * that does not. If not, the name is noted as leaving since now. A client that asked for it by name because something referred to it drops
 * it by itself, before or just after it accepts that nothing does, so it is told only if it does not.
 */
export const mayLeave = (state: StreamState, subscription: Subscription, name: string): boolean => {
  const { typeUrl, wildcard, leaving } = subscription;
  // Connections of a listener that is gone use its filters until they end, and Envoy asks for these as long: without them it would fail requests.
  if (typeUrl === ECDS && !wildcard) return false;
  const since = leaving.get(name) ?? state.generation;
  const isImpatient = state.impatientAt >= since;
  const dropsItself = !wildcard && isOnlyByName(typeUrl);
  for (const by of state.subscriptions) {
    if (!isReferredTo(typeUrl, by.typeUrl)) continue;
    if (isKeptFor(by, name)) {
      // What is kept now has not even begun to leave.
      leaving.set(name, state.generation);
      return false;
    }
    if (!isImpatient && (by.done < since || dropsItself)) {
      leaving.set(name, since);
      return false;
    }
  }
  if (subscription.resumed && !isImpatient && !referrersOf(typeUrl).every((by) => subscriptionOf(state, by) !== undefined)) {
    leaving.set(name, since);
    return false;
  }
  leaving.delete(name);
  return true;
};

/** Whether a resource that stands in for a rejected one, or is kept itself, mentions the name. Compared as bytes, so at worst too much is kept. */
const isKeptFor = (by: Subscription, name: string): boolean => {
  const { isolated, leaving, view } = by;
  const mentions = (held: Held | undefined): boolean => held !== undefined && (!isOurs(held) || held.sotw.includes(name));
  for (const [rejected, { stands }] of isolated) if (covers(by, rejected) && mentions(stands)) return true;
  for (const kept of leaving.keys()) if (mentions(heldIn(view, kept))) return true;
  return false;
};
