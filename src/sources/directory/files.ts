import { readFileSync, type Stats, statSync } from 'node:fs';
import { normalize } from 'node:path';
import type { SourceProblem } from '../source.ts';
import { contentFrom, type FileContent } from './content.ts';
import type { Change, Part } from './merge.ts';
import { isWithin, type Walk, walk } from './walk.ts';

export const defaultMaxFileBytes = 10 * 1024 * 1024;

/** A text that may be half written (`undefined`: the file was gone), since when it is what it is, and since when the file is in doubt. */
type Doubt = { readonly text: string | undefined; readonly since: number; readonly first: number };

type FileState = Part & { readonly stamp: string; readonly doubt?: Doubt };

/** How long a doubtful text must stay the same to be believed, in milliseconds, and the time now on the same clock. */
export type Patience = { readonly now: number; readonly graceMs: number };

/**
 * The files below some paths, as last read. Files are read again only when their size, times or inode differ. What is wrong with one file
 * never touches another, and no failure to read takes away what was read before.
 */
export class FileSet {
  readonly #roots: readonly string[];
  readonly #maxFileBytes: number;
  readonly #files = new Map<string, FileState>();
  readonly #everSeen = new Set<string>();
  readonly #doubtful = new Set<string>();
  /** What changed files were when `takeChanges` was last asked. */
  readonly #former = new Map<string, FileState | undefined>();
  #walked: Walk = { files: new Map(), directories: new Map(), unreadable: new Map(), missing: new Set() };

  constructor(roots: readonly string[], maxFileBytes: number) {
    this.#roots = roots.map((root) => normalize(root).replace(/(?<=.)\/+$/, ''));
    this.#maxFileBytes = maxFileBytes;
  }

  /** Looks at everything, in slices: each `yield` is a chance to do something else. */
  *scan(patience: Patience): Generator<void> {
    const found = yield* walk(this.#roots);
    this.#walked = found;
    let count = 0;
    for (const [file, stats] of found.files) {
      this.#look(file, stats, patience);
      if (++count % 100 === 0) yield;
    }
    for (const file of this.#files.keys()) if (!found.files.has(file)) this.#lookForLost(file, found, patience);
    for (const [path, reason] of found.unreadable) if (!this.#roots.includes(path)) this.#fail(path, '', reason);
    for (const root of this.#roots) if (!found.missing.has(root) && !found.unreadable.has(root)) this.#everSeen.add(root);
  }

  /** Looks at one file of a known directory. False when it is no regular file any more, so that only a scan can tell. */
  refresh(file: string, patience: Patience): boolean {
    try {
      const stats = statSync(file, { throwIfNoEntry: false });
      if (stats?.isFile() !== true) return false;
      this.#look(file, stats, patience);
      return true;
    } catch {
      return false; // the scan that follows says why
    }
  }

  /** The files that were read anew, came or went since this was last asked. */
  takeChanges(): readonly Change[] {
    const changes = [...this.#former].map(([file, before]) => ({ before, after: this.#files.get(file) }));
    this.#former.clear();
    return changes;
  }

  parts(): readonly Part[] {
    return [...this.#files.values()];
  }

  /** Files whose text is doubted: they are to be looked at again soon. */
  doubtful(): readonly string[] {
    return [...this.#doubtful];
  }

  /** Directories to watch, with their identities. */
  directories(): ReadonlyMap<string, string> {
    return this.#walked.directories;
  }

  /** Whether every given path has been there at least once. */
  complete(): boolean {
    return this.#roots.every((root) => this.#everSeen.has(root));
  }

  /** Given paths that are not there or cannot be read now. */
  rootProblems(): readonly SourceProblem[] {
    return this.#roots.flatMap((root): readonly SourceProblem[] => {
      const unreadable = this.#walked.unreadable.get(root);
      if (unreadable === undefined && !this.#walked.missing.has(root)) return [];
      const kept = this.#everSeen.has(root) ? '; what was last read from it stands' : '';
      return [
        {
          severity: 'error',
          reason: `${unreadable === undefined ? 'does not exist' : `cannot be read: ${unreadable}`}${kept}`,
          file: root,
        },
      ];
    });
  }

  #look(file: string, stats: Stats, patience: Patience): void {
    const before = this.#files.get(file);
    const stamp = stampOf(stats);
    if (before?.stamp === stamp && before.doubt === undefined) return;
    const worldReadable = (stats.mode & 0o004) !== 0;
    if (!stats.isFile()) return this.#fail(file, stamp, 'is no regular file');
    if (stats.size > this.#maxFileBytes) return this.#fail(file, stamp, `has ${stats.size} bytes; at most ${this.#maxFileBytes} are read`);
    const text = textOf(file);
    if (typeof text !== 'string') return this.#fail(file, stamp, `cannot be read: ${text.reason}`);
    if (before?.content?.text === text) return this.#set({ file, stamp, worldReadable, provisional: false, content: before.content });
    this.#take({ file, stamp, worldReadable, text, before, patience });
  }

  /** Takes a new text, unless it may be half written: then the old content stands until the text has been the same for a while. */
  #take(read: {
    readonly file: string;
    readonly stamp: string;
    readonly worldReadable: boolean;
    readonly text: string;
    readonly before: FileState | undefined;
    readonly patience: Patience;
  }): void {
    const { file, stamp, worldReadable, text, before, patience } = read;
    const doubt = doubtOf(text, before?.doubt, patience.now);
    const believed = isOver(doubt, text.trim() === '' ? { ...patience, graceMs: patience.graceMs * emptiedGrace } : patience);
    if (!believed && before?.doubt?.text === text) return;
    const content = contentFrom(file, text, before?.content);
    if (!believed && isDoubtful(content, before?.content)) {
      this.#set({ file, stamp, worldReadable, content: before?.content, provisional: true, doubt });
    } else this.#set({ file, stamp, worldReadable, content, provisional: false });
  }

  #lookForLost(file: string, found: Walk, patience: Patience): void {
    const before = this.#files.get(file);
    if (before === undefined || isWithin(file, found.missing) || isWithin(file, found.unreadable)) return;
    const doubt = doubtOf(undefined, before.doubt, patience.now);
    if (isOver(doubt, patience) || before.content === undefined) {
      this.#changing(file);
      this.#files.delete(file);
      this.#doubtful.delete(file);
    } else this.#set({ ...before, stamp: '', provisional: true, doubt });
  }

  #fail(file: string, stamp: string, reason: string): void {
    const { content, worldReadable = false } = this.#files.get(file) ?? {};
    this.#set({ file, stamp, worldReadable, content, provisional: false, problem: { severity: 'error', reason, file } });
  }

  #set(state: FileState): void {
    this.#changing(state.file);
    this.#files.set(state.file, state);
    if (state.doubt === undefined) this.#doubtful.delete(state.file);
    else this.#doubtful.add(state.file);
  }

  #changing(file: string): void {
    if (!this.#former.has(file)) this.#former.set(file, this.#files.get(file));
  }
}

/** Changes when the file does. A file that changed just now may change again within the clock's grain, so it gets a stamp like no other. */
const stampOf = (stats: Stats): string => {
  const young = Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs) < 50;
  return young ? `young ${performance.now()}` : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
};

const decoder = new TextDecoder('utf-8', { fatal: true });

const textOf = (file: string): string | { readonly reason: string } => {
  try {
    return decoder.decode(readFileSync(file));
  } catch (error) {
    return { reason: error instanceof TypeError ? 'it is no UTF-8 text' : (error as Error).message };
  }
};

const doubtOf = (text: string | undefined, before: Doubt | undefined, now: number): Doubt =>
  before === undefined ? { text, since: now, first: now } : before.text === text ? before : { text, since: now, first: before.first };

/** Whoever empties a file most likely is about to fill it: many writers truncate first, and a busy machine may keep them from going on. */
const emptiedGrace = 10;

const isOver = ({ since, first }: Doubt, { now, graceMs }: Patience): boolean => now - since >= graceMs || now - first >= 10 * graceMs;

/** A text that does not parse, or that ends within a line and lacks objects the file had: what a writer leaves half way through. */
const isDoubtful = (content: FileContent, before: FileContent | undefined): boolean => {
  if (!content.parsed) return true;
  if (before === undefined || (content.text.trim() !== '' && content.text.endsWith('\n'))) return false;
  const keys = new Set(content.entries.map(({ key }) => key));
  return before.entries.some(({ key }) => !keys.has(key));
};
