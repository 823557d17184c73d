import { type FSWatcher, watch } from 'node:fs';

/** Called for each change in a watched directory; `name` is what changed in it, where the system says. */
export type OnChange = (directory: string, name: string | null) => void;

/**
 * One watch per directory (Node's recursive watch loses replaced directories on Linux). Watches are a hint that makes changes quick: where
 * the system has none left, or they miss something, the next scan finds it.
 */
export class Watchers {
  readonly #onChange: OnChange;
  readonly #watches = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();

  constructor(onChange: OnChange) {
    this.#onChange = onChange;
  }

  /** Watches exactly these directories (path → identity). True when some are new, and may have changed before they were watched. */
  update(directories: ReadonlyMap<string, string>): boolean {
    for (const [directory, { identity }] of this.#watches) if (directories.get(directory) !== identity) this.#close(directory);
    let added = false;
    for (const [directory, identity] of directories) if (!this.#watches.has(directory)) added = this.#open(directory, identity) || added;
    return added;
  }

  close(): void {
    for (const directory of this.#watches.keys()) this.#close(directory);
  }

  #open(directory: string, identity: string): boolean {
    try {
      const watcher = watch(directory, (_, name) => this.#onChange(directory, name));
      watcher.on('error', () => this.#close(directory));
      this.#watches.set(directory, { identity, watcher });
      return true;
    } catch {
      return false; // gone already, or no watches left: scans go on
    }
  }

  #close(directory: string): void {
    this.#watches.get(directory)?.watcher.close();
    this.#watches.delete(directory);
  }
}
