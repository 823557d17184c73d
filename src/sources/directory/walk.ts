import { readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What there is below some paths. Names are those users gave, joined; links are followed, and never round in a circle. */
export type Walk = {
  readonly files: Map<string, Stats>;
  /** Directories by path, each with its identity: another one under the same path is another identity. */
  readonly directories: Map<string, string>;
  /** Paths that exist and could not be read, and why. */
  readonly unreadable: Map<string, string>;
  /** Given paths that do not exist. */
  readonly missing: Set<string>;
};

/**
 * Walks files and directories, yielding now and then so that a caller may do other things in between. A given file is taken whatever its
 * name; in directories `.yaml`, `.yml` and `.json` files are, and names that begin with a dot are skipped.
 */
export function* walk(roots: readonly string[], most = 32): Generator<void, Walk> {
  const found: Walk = { files: new Map(), directories: new Map(), unreadable: new Map(), missing: new Set() };
  for (const root of roots) {
    const stats = statOf(root, found);
    if (stats === undefined) {
      if (!found.unreadable.has(root)) found.missing.add(root);
    } else if (stats.isDirectory()) yield* walkDirectory(root, stats, [], found, most);
    else found.files.set(root, stats);
  }
  return found;
}

/** Whether a name in a directory is one we read. */
export const isConfigFile = (name: string): boolean => !name.startsWith('.') && /\.(ya?ml|json)$/.test(name);

function* walkDirectory(directory: string, stats: Stats, above: readonly string[], found: Walk, most: number): Generator<void> {
  const identity = `${stats.dev}:${stats.ino}`;
  if (above.includes(identity)) return;
  found.directories.set(directory, identity);
  for (const entry of entriesOf(directory, found)) {
    const path = join(directory, entry.name);
    if (entry.name.startsWith('.') || !(entry.isDirectory() || entry.isSymbolicLink() || isConfigFile(entry.name))) continue;
    const below = statOf(path, found);
    if (below === undefined) {
      if (entry.isSymbolicLink() && isConfigFile(entry.name)) found.unreadable.set(path, 'is a link to nothing');
    } else if (below.isDirectory()) yield* walkDirectory(path, below, [...above, identity], found, most);
    else if (isConfigFile(entry.name)) found.files.set(path, below);
    if (found.files.size % most === most - 1) yield;
  }
}

const entriesOf = (directory: string, found: Walk) => {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    found.unreadable.set(directory, (error as Error).message);
    return [];
  }
};

/** `undefined` where there is nothing; a path that cannot be looked at is noted as unreadable too. */
const statOf = (path: string, found: Walk): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTDIR') found.unreadable.set(path, message);
    return undefined;
  }
};

/** Whether `path` is one of `paths` or below one. */
export const isWithin = (path: string, paths: ReadonlySet<string> | ReadonlyMap<string, unknown>): boolean => {
  for (let at = path; ; at = dirname(at)) {
    if (paths.has(at)) return true;
    if (dirname(at) === at) return false;
  }
};
