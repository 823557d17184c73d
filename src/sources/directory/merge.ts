import { isDeepStrictEqual } from 'node:util';
import { allKinds, type AnyObject, type Kind } from '../../api/kinds.ts';
import type { Objects } from '../../api/objects.ts';
import { byCodeUnit, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import type { Place, SourceProblem } from '../source.ts';
import { type Entry, type FileContent, positionOf } from './content.ts';

/**
 * One file's part. A `provisional` one is about to change or go (it may be half written): its objects count unless another file has them,
 * which then is no conflict. `worldReadable`: everybody on the machine may read it.
 */
export type Part = {
  readonly file: string;
  readonly content: FileContent | undefined;
  readonly provisional: boolean;
  readonly worldReadable: boolean;
  readonly problem?: SourceProblem;
};

export type Merged = {
  readonly objects: Objects;
  readonly problems: readonly SourceProblem[];
  /** Whether some object is in two files, or some file is in doubt: then what one file changes may matter to others. */
  readonly entangled: boolean;
};

/**
 * All files as one state. Of an object that is there twice the first by path, then by line, stands, whichever was there before: what a
 * directory means depends on what is in it, never on its history. What did not change keeps its identity: objects, each kind's map, and
 * the whole when nothing did.
 */
export const merge = (parts: readonly Part[], before?: Merged): Merged => {
  const byPath = parts.toSorted((a, b) => byCodeUnit(a.file, b.file));
  const problems = byPath.flatMap(({ content, problem }) => [...(problem ? [problem] : []), ...(content?.problems ?? [])]);
  const owners = new Map<ObjectKey, { readonly file: string; readonly entry: Entry }>();
  for (const part of [...byPath.filter(({ provisional }) => !provisional), ...byPath.filter(({ provisional }) => provisional)]) {
    for (const entry of part.content?.entries ?? []) {
      const owner = owners.get(entry.key);
      if (owner === undefined) owners.set(entry.key, { file: part.file, entry });
      else if (!part.provisional) problems.push(duplicateProblem(part.file, entry, owner.file, owner.entry));
    }
    if (part.worldReadable) problems.push(...secretProblems(part));
  }
  const entangled = byPath.some(({ provisional }) => provisional) || problems.some(isDuplicate);
  const objects = objectsFrom(
    [...owners.values()].map(({ entry }) => entry.object),
    before?.objects,
  );
  const sorted = problems.toSorted(byPlace);
  if (before !== undefined && before.objects === objects && before.entangled === entangled && isDeepStrictEqual(before.problems, sorted))
    return before;
  return { objects, problems: sorted, entangled };
};

/** A file before and after it was read again. */
export type Change = { readonly before: Part | undefined; readonly after: Part | undefined };

/**
 * `merge` for the everyday change, at the cost of the changed files alone: each holds the objects it held, in new versions, and nothing is wrong
 * with any of them. Undefined where it takes a look at all files to tell what the change means.
 */
export const mergeChanges = (changes: readonly Change[], before: Merged): Merged | undefined => {
  if (before.entangled || !changes.every(isPlain)) return undefined;
  const updated = new Map<Kind, Map<string, AnyObject>>();
  for (const change of changes) {
    for (const { object } of change.after?.content?.entries ?? []) {
      const key = localKeyOf(object);
      const map = updated.get(object.kind) ?? before.objects[object.kind];
      if (map.get(key) === object) continue;
      const copy = updated.get(object.kind) ?? new Map<string, AnyObject>(map);
      updated.set(object.kind, copy.set(key, object));
    }
  }
  return updated.size === 0 ? before : { ...before, objects: { ...before.objects, ...Object.fromEntries(updated) } };
};

const isPlain = ({ before, after }: Change): boolean => {
  if (before === undefined || after === undefined) return false;
  const [was, is] = [before.content?.entries ?? [], after.content?.entries ?? []];
  return [before, after].every(isSound) && was.length === is.length && was.every(({ key }, index) => key === is[index]?.key);
};

const isSound = ({ content, problem, provisional, worldReadable }: Part): boolean =>
  content !== undefined &&
  content.problems.length === 0 &&
  problem === undefined &&
  !provisional &&
  !(worldReadable && content.entries.some(({ object }) => object.kind === 'Secret'));

/** Where the object that stands is written. */
export const placeIn = (parts: readonly Part[], key: ObjectKey): Place | undefined => {
  const holds = ({ content }: Part): boolean => content?.entries.some((entry) => entry.key === key) ?? false;
  const [first] = parts.filter(holds).toSorted(standingFirst);
  const entry = first?.content?.entries.find((candidate) => candidate.key === key);
  return first === undefined || entry === undefined ? undefined : { file: first.file, ...positionOf(entry) };
};

const standingFirst = (a: Part, b: Part): number => Number(a.provisional) - Number(b.provisional) || byCodeUnit(a.file, b.file);

const duplicateOf = 'duplicate of ';
const isDuplicate = ({ reason }: SourceProblem): boolean => reason.startsWith(duplicateOf);

const duplicateProblem = (file: string, entry: Entry, otherFile: string, other: Entry): SourceProblem => ({
  severity: 'error',
  reason: `${duplicateOf}${entry.key} in ${otherFile}:${positionOf(other).line}, which stands; this one is ignored`,
  object: entry.key,
  file,
  ...positionOf(entry),
});

const secretProblems = ({ file, content }: Part): readonly SourceProblem[] => {
  const secret = content?.entries.find(({ object }) => object.kind === 'Secret');
  if (secret === undefined) return [];
  const reason = `holds a Secret and everybody on this machine may read it: chmod o-r ${file}`;
  return [{ severity: 'warning', reason, object: secret.key, file, ...positionOf(secret) }];
};

/** Objects by kind and name, every map in the order of its keys; unchanged maps, and the whole, are those of `before`. */
const objectsFrom = (list: readonly AnyObject[], before: Objects | undefined): Objects => {
  const byKind = new Map<Kind, Map<string, AnyObject>>(allKinds.map((kind) => [kind, new Map()]));
  for (const object of list) byKind.get(object.kind)?.set(localKeyOf(object), object);
  const kept = new Map([...byKind].map(([kind, map]) => [kind, sameOrSorted(map, before?.[kind])]));
  if (before !== undefined && allKinds.every((kind) => kept.get(kind) === before[kind])) return before;
  return Object.fromEntries(kept) as Objects;
};

const sameOrSorted = (
  map: ReadonlyMap<string, AnyObject>,
  before: ReadonlyMap<string, AnyObject> | undefined,
): ReadonlyMap<string, AnyObject> => {
  if (before === undefined || before.size !== map.size) return inOrder(map);
  const updated = new Map<string, AnyObject>();
  let same = true;
  for (const [key, former] of before) {
    const object = map.get(key);
    if (object === undefined) return inOrder(map);
    if (object !== former) same = false;
    updated.set(key, object);
  }
  return same ? before : updated;
};

const inOrder = (map: ReadonlyMap<string, AnyObject>): ReadonlyMap<string, AnyObject> =>
  new Map([...map].toSorted(([a], [b]) => byCodeUnit(a, b)));

const byPlace = (a: SourceProblem, b: SourceProblem): number =>
  byCodeUnit(a.file ?? '', b.file ?? '') || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
