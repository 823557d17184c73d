import { type Command, Option } from 'commander';
import { UsageError } from '../config.ts';
import { type Io, VerbError } from './io.ts';

export type AskFlags = { readonly server: string; readonly configDir?: string; readonly privilegedPorts?: boolean };

/** The flags of verbs that ask a running server, or work on a directory without one. */
export const addAskFlags = (command: Command): Command =>
  command
    .addOption(new Option('--server <url>', "a running server's HTTP address").env('TAILPLANE_SERVER').default('http://127.0.0.1:8080'))
    .option('--config-dir <dir>', 'ask no server: work on the YAML in this directory')
    .option('--privileged-ports', 'with --config-dir: ports as serve --privileged-ports has them');

type Endpoint = '/api/v1/status' | '/api/v1/dump' | '/api/v1/explain';

/** The API's answer to a question, parsed: from the server, or by the same code from a directory. */
export const ask = async <T>(endpoint: Endpoint, query: URLSearchParams, flags: AskFlags): Promise<T> => {
  const { server, configDir, privilegedPorts } = flags;
  const { status, body } =
    configDir === undefined ? await fromServer(endpoint, query, server) : await fromDirectory(endpoint, query, configDir, privilegedPorts);
  const answer = parsed(body);
  if (status === 200 && answer !== undefined) return answer as T;
  const reason = (answer as { readonly error?: unknown } | undefined)?.error;
  const said = typeof reason === 'string' ? reason : `${server} answered ${status}, which is not tailplane's API`;
  throw status === 400 ? new UsageError(said) : new VerbError(said);
};

const fromServer = async (endpoint: Endpoint, query: URLSearchParams, server: string): Promise<{ status: number; body: string }> => {
  const base = URL.parse(server);
  if (base === null || !/^https?:$/.test(base.protocol)) throw new UsageError(`--server: ${JSON.stringify(server)} is not an http:// URL`);
  const url = new URL(endpoint, base);
  url.search = query.toString();
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    throw new VerbError(
      `no server answers at ${base.origin} (${code ?? (error as Error).name}): start one with "tailplane serve", name it with --server, or use --config-dir DIR`,
      { cause: error },
    );
  }
};

const fromDirectory = async (
  endpoint: Endpoint,
  query: URLSearchParams,
  directory: string,
  privilegedPorts = false,
): Promise<{ status: number; body: string }> => {
  const [{ offlineSubject }, { apiHandlersFor }] = await Promise.all([import('./offline.ts'), import('../ops/api.ts')]);
  const handler = apiHandlersFor(await offlineSubject(directory, privilegedPorts))[endpoint];
  if (handler === undefined) throw new Error(`unreachable: no handler for ${endpoint}`);
  return handler(query);
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // not ours: the caller says so
  }
};

/** Adds `-o`; the first format is the default. */
export const addOutputFlag = (command: Command, formats: readonly [string, ...string[]]): Command =>
  command.addOption(new Option('-o, --output <format>', 'output').choices(formats).default(formats[0]));

export const printJson = (io: Io, value: unknown): void => io.out(`${JSON.stringify(value, null, 2)}\n`);
