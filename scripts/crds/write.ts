import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

export type WriteOptions = {
  /** Files of the folder that are wholly ours: those that no output names are removed. */
  readonly owns?: (name: string) => boolean;
};

/**
 * Writes generated files, by name, into a folder. With `--check` on the command line writes nothing, and exits 1 when what is checked in
 * differs.
 */
export const writeOrCheck = (folder: URL, outputs: Readonly<Record<string, string>>, { owns = () => false }: WriteOptions = {}): void => {
  const stale = Object.entries(outputs).filter(([name, text]) => text !== contentOf(new URL(name, folder)));
  const left = namesIn(folder).filter((name) => owns(name) && !Object.hasOwn(outputs, name));
  if (!process.argv.includes('--check')) {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of stale) writeFileSync(new URL(name, folder), text);
    for (const name of left) rmSync(new URL(name, folder));
  } else if (stale.length + left.length > 0) {
    const names = [...stale.map(([name]) => name), ...left].map((name) => new URL(name, folder).pathname.slice(root.length));
    process.stderr.write(`out of date: ${names.join(', ')}\n`);
    process.exitCode = 1;
  }
};

const root = new URL('../../', import.meta.url).pathname;

const contentOf = (file: URL): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // not written yet: stale
  }
};

const namesIn = (folder: URL): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not written yet
  }
};
