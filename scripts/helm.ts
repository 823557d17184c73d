/**
 * Finds a Helm to run: HELM_BIN, then PATH, then the project's own copy in `.cache/helm` (built from its Go module when missing, which
 * needs `go`). `node scripts/helm.ts` prints its path, or says how to get one.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';

/** What the chart is tested with; Helm 3 reads it as well. */
export const helmVersion = '4.3.1';
const helmPackage = `helm.sh/helm/v4/cmd/helm@v${helmVersion}`;

const run = promisify(execFile);
const cacheDir = join(dirname(fileURLToPath(import.meta.url)), '..', '.cache', 'helm', helmVersion);
const cachedHelm = join(cacheDir, 'helm');

export type HelmSearch = {
  /** Build one when none is there; otherwise only look. */
  readonly build: boolean;
  /** Told, once each, what takes long or did not work. */
  readonly say: (line: string) => void;
};

/**
 * Path of a Helm 3 or 4, or undefined when there is none and none could be built. Throws when HELM_BIN is set and does not work: a named
 * Helm is never replaced by another. Safe to call from several processes.
 */
export const findHelm = async ({ build, say }: HelmSearch): Promise<string | undefined> => {
  const named = process.env['HELM_BIN'];
  if (named !== undefined && named !== '') {
    if (await works(named)) return named;
    throw new Error(`HELM_BIN=${named} is not a Helm 3 or 4 that runs here`);
  }
  for (const path of [...onPath('helm'), cachedHelm]) if (await works(path)) return path;
  if (!build) return undefined;
  await mkdir(cacheDir, { recursive: true });
  return withLock(join(cacheDir, 'lock'), async () => {
    if (await works(cachedHelm)) return cachedHelm;
    try {
      await buildHelm(say);
    } catch (error) {
      say(`go could not build Helm: ${lastLine(error)}`);
      return undefined;
    }
    return cachedHelm;
  });
};

/** What to tell somebody who has no Helm. */
export const howToGetHelm = [
  `No Helm was found. Any one of these gives one (${helmVersion} is what the chart is tested with):`,
  '  - put `helm` on PATH, or set HELM_BIN to its path',
  '  - install Go, then `node scripts/helm.ts` builds it into .cache/ (once; some minutes)',
].join('\n');

const works = async (path: string): Promise<boolean> => {
  try {
    const { stdout } = await run(path, ['version', '--template', '{{.Version}}'], { timeout: 20_000 });
    return /^v[34]\./.test(stdout);
  } catch {
    // Missing, not executable, for another platform: all mean the same here, that the next candidate has its turn.
    return false;
  }
};

const onPath = (name: string): readonly string[] =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name));

/** Renamed into place, so that nobody ever runs half a file. */
const buildHelm = async (say: HelmSearch['say']): Promise<void> => {
  say(`building Helm ${helmVersion} from its Go module (once; some minutes)`);
  const dir = await mkdtemp(join(cacheDir, 'go-'));
  try {
    const env = { ...process.env, GOBIN: dir, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
    await run('go', ['install', '-trimpath', '-ldflags=-s -w', helmPackage], { env, timeout: 1_800_000, maxBuffer: 64 << 20 });
    await rename(join(dir, 'helm'), cachedHelm);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const lastLine = (error: unknown): string => ((error as { stderr?: string }).stderr || String(error)).trim().split('\n').at(-1) ?? '';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const path = await findHelm({ build: true, say: tell });
  if (path === undefined) {
    tell(howToGetHelm);
    process.exitCode = 1;
  } else process.stdout.write(`${path}\n`);
}
