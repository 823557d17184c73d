import { allKinds, type AnyObject } from '../../src/api/kinds.ts';
import type { Objects } from '../../src/api/objects.ts';
import type { Observations } from '../../src/api/observations.ts';
import { byCodeUnit, keyOf, localKeyOf, type ObjectKey } from '../../src/lib/key.ts';
import { readDirectory } from '../../src/sources/directory/read-directory.ts';
import { loadObservations } from './observations.ts';

export type Case = {
  readonly objects: Objects;
  /** Of `observations.yaml` beside it; nothing where there is none. */
  readonly observations: Observations;
  /** What the case's own file declares, world left out. */
  readonly own: ReadonlySet<ObjectKey>;
  /** `in.yaml:line:column: reason` of everything that cannot be read as it was meant. */
  readonly errors: readonly string[];
};

/** A case's file and the world around it, read as `serve --config-dir` reads them. */
export const loadCase = (folder: string, worldFile: string): Case => {
  const file = `${folder}/in.yaml`;
  const { objects, problems } = readDirectory([worldFile, file]);
  const own = new Set(listOf(readDirectory([file]).objects).map(keyOf));
  const errors = problems
    .filter(({ severity }) => severity === 'error')
    .map((problem) => `${problem.file ?? folder}:${problem.line}:${problem.column}: ${problem.reason}`.replaceAll(`${folder}/`, ''));
  return { objects, observations: loadObservations(`${folder}/observations.yaml`), own, errors: errors.toSorted(byCodeUnit) };
};

/** The same objects in the opposite order. */
export const reversed = (objects: Objects): Objects => storeOf(listOf(objects).toReversed());

const listOf = (objects: Objects): readonly AnyObject[] => allKinds.flatMap((kind) => [...objects[kind].values()]);

const storeOf = (objects: readonly AnyObject[]): Objects => {
  const entries = allKinds.map((kind) => {
    const ofKind = objects.filter((object) => object.kind === kind);
    return [kind, new Map(ofKind.map((object) => [localKeyOf(object), object]))] as const;
  });
  return Object.fromEntries(entries) as unknown as Objects;
};
