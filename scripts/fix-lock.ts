/**
 * Drops from package-lock.json the optional platform packages that have no entry of their own, which a registry without them leaves
 * behind and `npm ci` then refuses (EUSAGE, "Missing: … from lock file"). Run by `npm run lock` after every change of dependencies.
 */
import { readFileSync, writeFileSync } from 'node:fs';

type Entry = { optionalDependencies?: Record<string, string> };
type Lock = { packages: Record<string, Entry> };

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock;
const installed = new Set(Object.keys(lock.packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)));

let dropped = 0;
for (const entry of Object.values(lock.packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (installed.has(name)) continue;
    delete entry.optionalDependencies?.[name];
    dropped += 1;
  }
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${dropped} optional packages without an entry dropped\n`);
