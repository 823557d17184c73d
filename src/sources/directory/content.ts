import { isDeepStrictEqual } from 'node:util';
import type { AnyObject } from '../../api/kinds.ts';
import type { ObjectKey } from '../../lib/key.ts';
import type { FieldPath } from '../admission/error.ts';
import type { SourceProblem } from '../source.ts';
import { type Chunk, chunksOf } from './chunks.ts';
import { type DocumentContent, readDocument } from './document.ts';
import { locatorOf, type Position } from './yaml.ts';

/** An object of a file, and where it stands. `slot` numbers it among the file's objects: its identity while its name cannot be read. */
export type Entry = {
  readonly key: ObjectKey;
  readonly object: AnyObject;
  readonly chunk: Chunk;
  readonly value: number;
  readonly path: FieldPath;
  readonly slot: string;
};

/** What one file says, last good objects included. */
export type FileContent = {
  readonly text: string;
  readonly parsed: boolean;
  readonly documents: ReadonlyMap<string, DocumentContent>;
  readonly entries: readonly Entry[];
  readonly problems: readonly SourceProblem[];
};

/**
 * A file's content, given what it said before. Documents with the same text are not read again, and objects that came out equal are the
 * same objects. A file that does not parse keeps all its former objects; an object that is refused keeps its former version.
 */
export const contentFrom = (file: string, text: string, before: FileContent | undefined): FileContent => {
  const chunks = chunksOf(text);
  const documents = new Map<string, DocumentContent>();
  for (const chunk of chunks)
    documents.set(chunk.text, documents.get(chunk.text) ?? before?.documents.get(chunk.text) ?? readDocument(chunk.text));
  const read = chunks.map((chunk) => ({ chunk, document: documents.get(chunk.text) ?? readDocument(chunk.text) }));
  const parsed = read.every(({ document }) => document.parsed);
  const problems = read.flatMap(({ chunk, document }) =>
    document.problems.map((problem): SourceProblem => ({ ...problem, file, line: problem.line + chunk.line - 1 })),
  );
  return { text, parsed, documents, entries: parsed ? entriesOf(read, before?.entries ?? []) : (before?.entries ?? []), problems };
};

/** Where an entry is in its file. */
export const positionOf = ({ chunk, value, path }: Entry): Position => {
  const { line, column } = locatorOf(chunk.text)(value, path);
  return { line: line + chunk.line - 1, column };
};

type ReadChunk = { readonly chunk: Chunk; readonly document: DocumentContent };

const entriesOf = (read: readonly ReadChunk[], before: readonly Entry[]): readonly Entry[] => {
  const formerByKey = new Map(before.map((entry) => [entry.key, entry]));
  const formerBySlot = new Map(before.map((entry) => [entry.slot, entry]));
  const entries: Entry[] = [];
  const kept: Entry[] = [];
  for (const [index, { chunk, document }] of read.entries()) {
    for (const { value, path, key, object } of document.items) {
      const slot = `${index}/${value}/${path.join('/')}`;
      const former = key === undefined ? formerBySlot.get(slot) : formerByKey.get(key);
      if (object !== undefined) entries.push({ key, object: sameOr(former?.object, object), chunk, value, path, slot });
      else if (former !== undefined) kept.push({ ...former, slot });
    }
  }
  const present = new Set(entries.map(({ key }) => key));
  return [...entries, ...kept.filter(({ key }) => !present.has(key))];
};

const sameOr = (former: AnyObject | undefined, object: AnyObject): AnyObject =>
  former !== undefined && isDeepStrictEqual(former, object) ? former : object;
