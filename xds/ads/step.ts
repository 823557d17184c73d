import type { Snapshot } from '../snapshot/snapshot.ts';
import { accept, reject } from './acknowledge.ts';
import { next } from './next.ts';
import { type Response, type StreamState, subscriptionOf } from './state.ts';
import { type DeltaRequest, type SotwRequest, subscribeDelta, subscribeSotw } from './subscribe.ts';

export type StreamEvent =
  | { readonly kind: 'request'; readonly request: SotwRequest | DeltaRequest }
  /** The group has another snapshot. */
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** The transport has taken the last response and is ready for one more. */
  | { readonly kind: 'drained' }
  /** The client has let us wait for too long: stop waiting for it, once. */
  | { readonly kind: 'overdue' }
  | { readonly kind: 'closed' };

export type Outcome = {
  /** At most one: the next comes after `drained`, and holds what is newest then. */
  readonly responses: readonly Response[];
  readonly acknowledged?: { readonly typeUrl: string; readonly version: string };
  /** `names` are the resources found guilty by now; empty while that is still being tried. */
  readonly rejected?: { readonly typeUrl: string; readonly names: readonly string[]; readonly message: string };
};

/**
 * What one event on a stream calls for. Changes `state`, which belongs to this function: no other may write to it. Does no I/O, knows
 * no clock, and never throws on what a client sends.
 */
export const step = (state: StreamState, event: StreamEvent): Outcome => {
  switch (event.kind) {
    case 'request':
      return onRequest(state, event.request);
    case 'snapshot':
      onSnapshot(state, event.snapshot);
      return { responses: next(state) };
    case 'drained':
      state.writable = true;
      return { responses: next(state) };
    case 'overdue':
      onOverdue(state);
      return { responses: next(state) };
    case 'closed':
      state.subscriptions.length = 0;
      return { responses: [] };
    default:
      throw new Error('unreachable: unknown event');
  }
};

const onRequest = (state: StreamState, request: SotwRequest | DeltaRequest): Outcome => {
  const { typeUrl, nonce, error } = request;
  const subscription = subscriptionOf(state, typeUrl);
  // The nonce says which response this is the answer to, and nothing else: names count even in a request whose nonce is out of date.
  const flight = subscription?.flights.find((sent) => sent.nonce === nonce);
  let answer: Omit<Outcome, 'responses'> = {};
  if (subscription !== undefined && flight !== undefined && error === undefined) {
    answer = { acknowledged: { typeUrl, version: accept(state, subscription, flight) } };
  } else if (error !== undefined) {
    const names = subscription === undefined || flight === undefined ? [] : reject(state, subscription, flight, error);
    answer = { rejected: { typeUrl, names, message: error } };
  }
  if ('names' in request) subscribeSotw(state, subscription, request);
  else subscribeDelta(state, subscription, request);
  return { ...answer, responses: next(state) };
};

const onSnapshot = (state: StreamState, snapshot: Snapshot): void => {
  if (snapshot === state.snapshot) return;
  for (const subscription of state.subscriptions)
    if (snapshot.get(subscription.typeUrl) !== state.snapshot?.get(subscription.typeUrl)) subscription.rejections = 0;
  state.snapshot = snapshot;
  state.generation++;
};

const onOverdue = (state: StreamState): void => {
  state.impatientAt = state.generation;
  for (const subscription of state.subscriptions) {
    const last = subscription.flights.at(-1);
    if (last !== undefined) subscription.done = last.done;
    subscription.flights = subscription.flights.map((flight) => ({ ...flight, late: true }));
    subscription.resumed = false;
  }
};
