/** What programs share that measure the way from objects to encoded xDS, without sources and streams. */
import { allKinds, type AnyObject } from '../src/api/kinds.ts';
import type { Objects } from '../src/api/objects.ts';
import { localKeyOf } from '../src/lib/key.ts';
import { admit } from '../src/sources/admission/admit.ts';

/** An object as sources give it. Throws where it would not be admitted. */
export const admitted = (raw: object): AnyObject => {
  const result = admit(raw);
  if (!result.ok) throw new Error(`not admitted: ${JSON.stringify(result.problem)}`);
  return result.value;
};

export const objectsFrom = (raw: readonly object[]): Objects => {
  const byKind = Map.groupBy(raw.map(admitted), ({ kind }) => kind);
  return Object.fromEntries(
    allKinds.map((kind) => [kind, new Map((byKind.get(kind) ?? []).map((object) => [localKeyOf(object), object]))]),
  ) as unknown as Objects;
};

/** What `work` gives, and the milliseconds of CPU that it took, those of the garbage collector among them. */
export const cpuOf = <T>(work: () => T): { readonly result: T; readonly ms: number } => {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return { result, ms: (user + system) / 1000 };
};
