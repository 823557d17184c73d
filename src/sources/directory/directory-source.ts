import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Observable } from 'rxjs';
import type { Source, SourceState } from '../source.ts';
import { defaultMaxFileBytes, FileSet, type Patience } from './files.ts';
import { type Change, merge, mergeChanges, type Merged, placeIn } from './merge.ts';
import { isConfigFile } from './walk.ts';
import { Watchers } from './watchers.ts';

export type DirectoryOptions = {
  /** Files and directories; directories are read with all that is below them. */
  readonly paths: readonly string[];
  /** What health calls this source. */
  readonly name?: string;
  /** Between scans that find what no watch told. */
  readonly rescanMs?: number;
  /** After a change, for its siblings to arrive. */
  readonly quietMs?: number;
  /** How long a text that looks half written must stay so to be believed. */
  readonly graceMs?: number;
  readonly maxFileBytes?: number;
};

/**
 * What the YAML and JSON below some paths says, now and whenever it changes: a few milliseconds after a write. A path that goes away
 * leaves its last good state standing and says so in `health`; `synced` comes with the first complete reading of every path.
 */
export const directorySource = (options: DirectoryOptions): Source =>
  new Observable((subscriber) => {
    const session = new Session(options, (state) => subscriber.next(state));
    session.start();
    return () => session.stop();
  });

/** One subscription: its watches, its timers, and what it last said. */
class Session {
  readonly #name: string;
  readonly #paths: readonly string[];
  readonly #files: FileSet;
  readonly #watchers: Watchers;
  readonly #emit: (state: SourceState) => void;
  readonly #rescanMs: number;
  readonly #quietMs: number;
  readonly #graceMs: number;
  readonly #changed = new Set<string>();
  #scanWanted = true;
  #first = true;
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #rescan: NodeJS.Timeout | undefined;
  #running = false;
  #stopped = false;
  #fault: string | undefined;
  #merged: Merged | undefined;
  #said: SourceState | undefined;

  constructor(
    { paths, name = 'directory', rescanMs = 2000, quietMs = 2, graceMs = 100, maxFileBytes }: DirectoryOptions,
    emit: (state: SourceState) => void,
  ) {
    this.#name = name;
    this.#paths = paths;
    this.#files = new FileSet(paths, maxFileBytes ?? defaultMaxFileBytes);
    this.#watchers = new Watchers((directory, changed) => this.#onChange(directory, changed));
    this.#emit = emit;
    this.#rescanMs = rescanMs;
    this.#quietMs = quietMs;
    this.#graceMs = graceMs;
  }

  start(): void {
    this.#wake(0);
    this.#rescanIn(this.#rescanMs);
  }

  #rescanIn(ms: number): void {
    clearTimeout(this.#rescan);
    this.#rescan = setTimeout(() => {
      this.#scanWanted = true;
      this.#wake(0);
    }, ms);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#rescan);
    clearTimeout(this.#timer);
    this.#watchers.close();
  }

  /** A change of a file we read needs a look at that file only; a new directory, or a link swapped beneath others (`..data`), at all. */
  #onChange(directory: string, name: string | null): void {
    if (name === null) this.#scanWanted = true;
    else if (this.#files.directories().has(directory)) {
      if (isConfigFile(name)) this.#changed.add(join(directory, name));
      else if (!name.startsWith('.') || name.startsWith('..')) this.#scanWanted = true;
      else return;
    } else if (name.startsWith('..') || this.#paths.some((path) => basename(resolve(path)) === name)) this.#scanWanted = true;
    else return;
    this.#wake(this.#quietMs);
  }

  /** Runs after `ms`, or sooner when a run is due sooner. */
  #wake(ms: number): void {
    const due = performance.now() + ms;
    if (this.#stopped || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => void this.#run(), ms);
  }

  async #run(): Promise<void> {
    this.#due = Infinity;
    if (this.#running) return this.#wake(this.#quietMs);
    this.#running = true;
    try {
      await this.#look();
      this.#fault = undefined;
    } catch (error) {
      this.#fault = `reading failed: ${(error as Error).message}`; // the last good state stands, and the next scan tries again
    }
    this.#running = false;
    if (!this.#stopped) this.#say();
  }

  async #look(): Promise<void> {
    const patience = { now: performance.now(), graceMs: this.#first ? 0 : this.#graceMs };
    if (!this.#refreshChanged(patience) || this.#scanWanted) await this.#scan(patience);
    if (this.#stopped) return;
    this.#first = false;
    const doubtful = this.#files.doubtful();
    if (doubtful.length === 0) return;
    for (const file of doubtful) this.#changed.add(file);
    this.#wake(Math.max(this.#graceMs / 4, 1));
  }

  /** Reads again what watches told of. False when only a scan can tell what became of some of it. */
  #refreshChanged(patience: Patience): boolean {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed.filter((file) => this.#files.refresh(file, patience)).length === changed.length;
  }

  async #scan(patience: Patience): Promise<void> {
    this.#scanWanted = false;
    const start = performance.now();
    for (const _ of this.#files.scan(patience)) {
      await nextTurn();
      if (this.#stopped) return;
      // Who edits a file while thousands of others are looked at must not wait for these.
      if (this.#first || this.#changed.size === 0) continue;
      if (!this.#refreshChanged({ ...patience, now: performance.now() })) this.#scanWanted = true;
      this.#say();
    }
    this.#rescanIn(Math.max(this.#rescanMs, Math.min(maxRescanMs, (performance.now() - start) / scanShare)));
    if (this.#scanWanted) this.#wake(0);
    if (!this.#watchers.update(this.#toWatch())) return;
    this.#scanWanted = true; // what changed before the new watches stood is found by one more scan
    this.#wake(0);
  }

  /** The directories we read, and those our paths stand in, whose changes tell of paths that come and go. */
  #toWatch(): ReadonlyMap<string, string> {
    const directories = new Map<string, string>();
    for (const path of this.#paths) {
      const parent = dirname(resolve(path));
      const identity = identityOf(parent);
      if (identity !== undefined) directories.set(parent, identity);
    }
    for (const [directory, identity] of this.#files.directories()) directories.set(directory, identity);
    return directories;
  }

  #mergedWith(changes: readonly Change[]): Merged {
    if (this.#merged === undefined) return merge(this.#files.parts());
    return changes.length === 0 ? this.#merged : (mergeChanges(changes, this.#merged) ?? merge(this.#files.parts(), this.#merged));
  }

  #say(): void {
    const merged = this.#mergedWith(this.#files.takeChanges());
    const rootProblems = this.#files.rootProblems();
    const error = [
      ...rootProblems.map(({ file, reason }) => `${file} ${reason}`),
      ...(this.#fault === undefined ? [] : [this.#fault]),
    ].join('; ');
    const synced = this.#files.complete();
    const said = this.#said?.health;
    if (said !== undefined && merged === this.#merged && said.synced === synced && (said.error ?? '') === error) return;
    this.#merged = merged;
    this.#said = {
      objects: merged.objects,
      problems: [...rootProblems, ...merged.problems],
      health: { name: this.#name, synced, lastRead: Date.now(), ...(error !== '' && { error }) },
      placeOf: (key) => placeIn(this.#files.parts(), key),
    };
    this.#emit(this.#said);
  }
}

/** Scans of many files come more rarely, so that they take at most this share of the time, but never more rarely than that. */
const scanShare = 0.02;
const maxRescanMs = 30_000;

const identityOf = (directory: string): string | undefined => {
  try {
    const { dev, ino } = statSync(directory);
    return `${dev}:${ino}`;
  } catch {
    return undefined; // nothing to watch yet
  }
};
