import type { EncodedResource } from '../snapshot/encoded.ts';
import { emptyType, type TypeSnapshot } from '../snapshot/snapshot.ts';
import type { Foreign } from './state.ts';

/** Under one name: a resource of ours, or one from before this stream. */
export type Held = EncodedResource | Foreign;

/** What a client holds of one type, of the names it is subscribed to: a generation, and the few names where it differs from that. Immutable. */
export type View = { readonly base: TypeSnapshot; readonly except: ReadonlyMap<string, Held | undefined> };

/**
 * What is held under a name that was in a response rejected for the sake of another: the client may have taken it all the same, as Envoy
 * applies what it can, or have kept what it had. Equal to no version, so that whatever is wanted is sent.
 */
export const uncertain = (before: Held | undefined): Foreign => ({ version: '', foreign: true, before: certainOf(before) });

/** Whether two possibilities remain for what is held. */
export const isUncertain = (held: Held | undefined): held is Foreign => held !== undefined && !isOurs(held) && held.version === '';

/** What is held for certain or was before the uncertainty, if that is a resource of ours. */
export const certainOf = (held: Held | undefined): EncodedResource | undefined => (held === undefined || isOurs(held) ? held : held.before);

export const noExceptions: ReadonlyMap<string, Held | undefined> = new Map();

export const emptyView = (typeUrl: string): View => ({ base: emptyType(typeUrl), except: noExceptions });

export const heldIn = ({ base, except }: View, name: string): Held | undefined =>
  except.has(name) ? except.get(name) : base.resources.get(name);

export const isOurs = (held: Held | undefined): held is EncodedResource => held !== undefined && !('foreign' in held);

/** `view` with other things held under some names. */
export const viewWith = (view: View, held: ReadonlyMap<string, Held | undefined>): View => {
  if (held.size === 0) return view;
  const except = new Map(view.except);
  for (const [name, resource] of held) {
    if (view.base.resources.get(name) === resource) except.delete(name);
    else except.set(name, resource);
  }
  return { base: view.base, except };
};

/** `view` without what is remembered about names that `keep` refuses: they are no longer subscribed to. */
export const viewKeeping = (view: View, keep: (name: string) => boolean): View => {
  if (view.except.size === 0) return view;
  return { base: view.base, except: new Map([...view.except].filter(([name]) => keep(name))) };
};

/** The view of a client that says which versions it holds. */
export const viewFromVersions = (target: TypeSnapshot, versions: ReadonlyMap<string, string>, covers: (name: string) => boolean): View => {
  const except = new Map<string, Held | undefined>();
  for (const name of target.resources.keys()) if (covers(name) && !versions.has(name)) except.set(name, undefined);
  for (const [name, version] of versions)
    if (covers(name) && target.resources.get(name)?.version !== version) except.set(name, { version, foreign: true, before: undefined });
  return { base: target, except };
};
