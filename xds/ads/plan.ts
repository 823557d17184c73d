import { changeBetween } from '../snapshot/diff.ts';
import type { EncodedResource } from '../snapshot/encoded.ts';
import type { TypeSnapshot } from '../snapshot/snapshot.ts';
import type { NameSet } from './names.ts';
import { covers, type Mode, type Subscription } from './state.ts';
import { type Held, heldIn, isUncertain, isOurs, certainOf, noExceptions, type View } from './view.ts';

/** What brings a client up to date in one type: what to tell it, and what it holds then. */
export type Plan = { readonly view: View; readonly resources: readonly EncodedResource[]; readonly removed: readonly string[] };

/** `mayLeave` is asked for each name that is held but no longer in the target, and notes the names it refuses. */
export const plan = (subscription: Subscription, target: TypeSnapshot, mode: Mode, mayLeave: (name: string) => boolean): Plan =>
  planShared(subscription, target, mode) ?? planByName(subscription, target, mode, mayLeave);

/** The common case, at a cost that does not depend on the number of resources: all that decides is shared between streams. */
const planShared = (subscription: Subscription, target: TypeSnapshot, mode: Mode): Plan | undefined => {
  const { view, asked, again, isolated, leaving, wildcard, names, unanswered } = subscription;
  if (view.except.size + asked.size + again.size + isolated.size + leaving.size > 0) return undefined;
  const { changed, removed } = changeBetween(view.base, target);
  if (removed.length > 0) return undefined;
  const next = view.base === target ? view : { base: target, except: noExceptions };
  const absent = unanswered && mode === 'delta' ? selectionOf(target, names).absent : [];
  if (wildcard) return { view: next, resources: changed, removed: absent };
  if (view.base.resources.size === 0) return { view: next, resources: selectionOf(target, names).present, removed: absent };
  const resources = changed.filter(({ name }) => names.has(name));
  return { view: next, resources: resources.length === changed.length ? changed : resources, removed: absent };
};

const planByName = (subscription: Subscription, target: TypeSnapshot, mode: Mode, mayLeave: (name: string) => boolean): Plan => {
  const { view, asked, again, isolated, leaving, unanswered, unsure, names } = subscription;
  const change = changeBetween(view.base, target);
  const moved = [...change.changed.map(({ name }) => name), ...change.removed, ...view.except.keys()];
  // What is isolated may have been replaced by a response that was sent before its rejection came.
  const candidates = new Set([...moved, ...asked, ...again, ...isolated.keys()]);
  if (unanswered && mode === 'delta') for (const name of selectionOf(target, names).absent) asked.add(name);
  for (const name of asked) candidates.add(name);
  const resources: EncodedResource[] = [];
  const removed: string[] = [];
  const except = new Map<string, Held | undefined>();
  for (const name of candidates) {
    if (!covers(subscription, name)) continue;
    const held = heldIn(view, name);
    const current = target.resources.get(name);
    // What it has rejected of ours it may have from before the stream.
    const mayHold = held !== undefined || (unsure && current === undefined && isolated.has(name));
    const wanted = wantedOf(name, held, current);
    if (wanted !== current) except.set(name, wanted);
    if (isOurs(wanted)) {
      if (wanted.version !== held?.version || asked.has(name) || again.has(name)) resources.push(wanted);
    } else if (wanted === undefined && (mayHold || asked.has(name))) removed.push(name);
  }
  return { view: { base: target, except }, resources, removed };

  function wantedOf(name: string, held: Held | undefined, current: EncodedResource | undefined): Held | undefined {
    const rejected = isolated.get(name);
    if (current === undefined) {
      isolated.delete(name);
      return held !== undefined && !mayLeave(name) ? held : undefined;
    }
    leaving.delete(name);
    if (rejected?.version === current.version) return isUncertain(held) ? held : rejected.stands;
    isolated.delete(name);
    return current;
  }
};

/** All that a client holds by a view: the content of a complete response. */
export const resourcesIn = (view: View, subscription: Subscription): readonly EncodedResource[] => {
  const { wildcard, names } = subscription;
  if (view.except.size === 0) return wildcard ? allOf(view.base) : selectionOf(view.base, names).present;
  const candidates = wildcard ? new Set([...view.base.resources.keys(), ...view.except.keys()]) : names.names;
  return [...candidates].map((name) => certainOf(heldIn(view, name))).filter((resource) => resource !== undefined);
};

const allOf = (type: TypeSnapshot): readonly EncodedResource[] => {
  let all = alls.get(type);
  if (all === undefined) alls.set(type, (all = [...type.resources.values()]));
  return all;
};
const alls = new WeakMap<TypeSnapshot, readonly EncodedResource[]>();

type Selection = { readonly present: readonly EncodedResource[]; readonly absent: readonly string[] };

/** Which of the names there are, computed once for all streams that ask for the same. */
const selectionOf = (type: TypeSnapshot, names: NameSet): Selection => {
  let known = selections.get(type);
  if (known === undefined) selections.set(type, (known = new WeakMap()));
  let selection = known.get(names);
  if (selection === undefined) known.set(names, (selection = select(type, names)));
  return selection;
};
const selections = new WeakMap<TypeSnapshot, WeakMap<NameSet, Selection>>();

const select = ({ resources }: TypeSnapshot, { names }: NameSet): Selection => {
  const present: EncodedResource[] = [];
  const absent: string[] = [];
  for (const name of names) {
    const resource = resources.get(name);
    if (resource !== undefined) present.push(resource);
    else absent.push(name);
  }
  return { present, absent };
};
