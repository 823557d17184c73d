import { type NameSet, nameSetOf, noNames, withNames, withoutNames } from './names.ts';
import { covers, type StreamState, type Subscription, targetOf } from './state.ts';
import { isOnlyByName, isFullState, rankOf, SRDS } from './types.ts';
import { emptyView, type Held, heldIn, type View, viewFromVersions, viewKeeping, viewWith } from './view.ts';

type Common = {
  readonly typeUrl: string;
  /** Empty where the request answers no response. */
  readonly nonce: string;
  /** Why the client rejects the response the nonce names. */
  readonly error?: string;
};
/** `names` is the whole subscription, the same object for the same names as long as possible. */
export type SotwRequest = Common & { readonly names: NameSet; readonly version: string };
export type DeltaRequest = Common & {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Versions the client holds from before this stream; counts in the first request of a type only. */
  readonly initial: ReadonlyMap<string, string>;
};

const everything = '*';

/** Takes over a SotW request's names, which replace those of earlier requests of the type. */
export const subscribeSotw = (state: StreamState, known: Subscription | undefined, { typeUrl, names, version }: SotwRequest): void => {
  if (known === undefined) {
    const subscription = add(state, typeUrl);
    subscription.legacy = names.names.size === 0 && !isOnlyByName(typeUrl);
    subscription.wildcard = subscription.legacy || names.has(everything);
    subscription.names = names;
    // Everything is answered with everything, but what the client may still refer to must not vanish before its routes do.
    const base = subscription.wildcard && isFullState(typeUrl) ? state.history.find(typeUrl, version) : undefined;
    if (base !== undefined) resume(state, subscription, { ...subscription.view, base });
    return;
  }
  if (names === known.names) return;
  known.legacy &&= names.names.size === 0;
  const wildcard = known.legacy || names.has(everything);
  const added = [...names.names].filter((name) => name !== everything && !known.names.has(name));
  if (wildcard && !known.wildcard) widen(known);
  else ask(known, added);
  known.wildcard = wildcard;
  known.names = names;
  forgetOthers(known);
};

/** Takes over what a Delta request adds to and takes from the subscription. */
export const subscribeDelta = (state: StreamState, known: Subscription | undefined, request: DeltaRequest): void => {
  const { typeUrl, subscribe, unsubscribe, initial } = request;
  if (known === undefined) {
    const subscription = add(state, typeUrl);
    const named = nameSetOf(subscribe);
    subscription.wildcard = named.has(everything) || (subscribe.length === 0 && unsubscribe.length === 0 && !isOnlyByName(typeUrl));
    subscription.names = withoutNames(named, [everything]);
    if (initial.size === 0) return;
    const base = targetOf(state, typeUrl) ?? subscription.view.base;
    resume(
      state,
      subscription,
      viewFromVersions(base, initial, (name) => covers(subscription, name)),
    );
    // A listener of before this stream may still wait for them.
    if (typeUrl === SRDS) for (const name of base.resources.keys()) subscription.again.add(name);
    return;
  }
  if (unsubscribe.length > 0) leave(known, unsubscribe);
  if (subscribe.length === 0) return;
  ask(
    known,
    subscribe.filter((name) => name !== everything),
  );
  if (subscribe.includes(everything) && !known.wildcard) {
    widen(known);
    known.wildcard = true;
  }
  known.names = withoutNames(withNames(known.names, subscribe), [everything]);
};

const add = (state: StreamState, typeUrl: string): Subscription => {
  const subscription: Subscription = {
    typeUrl,
    wildcard: false,
    legacy: false,
    names: noNames,
    view: emptyView(typeUrl),
    asked: new Set(),
    again: new Set(),
    unanswered: true,
    unsure: state.mode === 'sotw',
    resumed: false,
    flights: [],
    leaving: new Map(),
    isolated: new Map(),
    trials: [],
    rejections: 0,
    awaiting: [],
    done: 0,
    version: '',
    error: '',
  };
  state.subscriptions.push(subscription);
  state.subscriptions.sort((a, b) => rankOf(a.typeUrl) - rankOf(b.typeUrl));
  return subscription;
};

const resume = ({ aggregated }: StreamState, subscription: Subscription, view: View): void => {
  subscription.view = view;
  subscription.resumed = aggregated;
};

/** Names are to be answered, whether the client holds them or not. Those it was not subscribed to it does not hold. */
const ask = (subscription: Subscription, names: readonly string[]): void => {
  const unheld = new Map<string, undefined>();
  for (const name of names) {
    subscription.asked.add(name);
    if (!covers(subscription, name) && heldIn(subscription.view, name) !== undefined) unheld.set(name, undefined);
  }
  subscription.view = viewWith(subscription.view, unheld);
};

/** From names to everything: of everything, the client holds what it had by name. */
const widen = (subscription: Subscription): void => {
  const held = new Map<string, Held | undefined>();
  for (const name of subscription.names.names) held.set(name, heldIn(subscription.view, name));
  subscription.view = viewWith(emptyView(subscription.typeUrl), held);
  subscription.unanswered = true;
};

const leave = (subscription: Subscription, names: readonly string[]): void => {
  if (names.includes(everything)) subscription.wildcard = false;
  // A name that the wildcard still covers is answered: the client may have dropped it (xDS protocol, "Unsubscribing From Resources").
  if (subscription.wildcard) for (const name of names) if (subscription.names.has(name)) subscription.asked.add(name);
  subscription.names = withoutNames(subscription.names, names);
  forgetOthers(subscription);
};

const forgetOthers = (subscription: Subscription): void => {
  const isCovered = (name: string): boolean => covers(subscription, name);
  subscription.view = viewKeeping(subscription.view, isCovered);
  for (const names of [subscription.asked, subscription.again, subscription.leaving])
    for (const name of names.keys()) if (!isCovered(name)) names.delete(name);
};
