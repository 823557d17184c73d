import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { allKinds, type AnyObject } from '../../src/api/kinds.ts';
import type { Objects } from '../../src/api/objects.ts';
import { localKeyOf } from '../../src/lib/key.ts';
import { admit } from '../../src/sources/admission/admit.ts';

/** Every document of YAML files, admitted as an API server would. Throws on what it would refuse: a case says what users may write. */
export const objectsIn = (...files: readonly string[]): readonly AnyObject[] => files.flatMap(objectsInFile);

const objectsInFile = (file: string): readonly AnyObject[] =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const admitted = admit(document.toJS());
    if (admitted.ok) return admitted.value;
    const { key, errors } = admitted.problem;
    throw new Error(`${file}: ${key ?? 'object'}: ${errors.map(({ path, reason }) => `${path.join('.')}: ${reason}`).join('; ')}`);
  });

/** The objects as sources give them: by kind, then by `namespace/name`, in the order given. */
export const storeOf = (objects: readonly AnyObject[]): Objects => {
  const entries = allKinds.map((kind) => {
    const ofKind = objects.filter((object) => object.kind === kind);
    return [kind, new Map(ofKind.map((object) => [localKeyOf(object), object]))] as const;
  });
  return Object.fromEntries(entries) as unknown as Objects;
};

