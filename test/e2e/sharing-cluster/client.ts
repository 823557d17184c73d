/**
 * Asks services of a tailnet from its machines over every protocol, all at a time, and prints the answers, by name, as JSON. Argument: Asks as
 * JSON by name. What does not answer in time is told as what went wrong.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curl } from '../tailnet-sharing/peer.ts';
import { call, exchange, securely, through } from './through.ts';

export type Ask = {
  /** HTTP proxy of the asking machine. */
  readonly from: string;
  readonly protocol: 'http' | 'https' | 'grpc' | 'grpcs' | 'tcp' | 'tls';
  /** Where to: a name of the tailnet or an address of it. */
  readonly to: string;
  readonly port: number;
  /** What is asked for, where that is not `to`. */
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ca?: string;
};

/** Of `http` and `https`: status and what the backend saw. Else an answer as text. */
export type Answer = { readonly status: number; readonly body: string };

const [, , asks = '{}'] = process.argv;
const folder = await mkdtemp(join(tmpdir(), 'tailplane-client-'));
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);
const text = (body: string): Answer => ({ status: 200, body });

const answerTo = async (name: string, one: Ask): Promise<Answer> => {
  const { from, protocol, to, port, host = to, path = '/', headers = {}, ca = '' } = one;
  const target = `${bracketed(to)}:${port}`;
  const socket = () => through(from, target);
  switch (protocol) {
    case 'http':
    case 'https': {
      const file = join(folder, name);
      await writeFile(file, ca);
      const trust = protocol === 'https' ? ['--cacert', file] : [];
      const given = Object.entries(headers).flatMap(([header, value]) => ['-H', `${header}: ${value}`]);
      const place = ['--connect-to', `${bracketed(host)}:${port}:${target}`];
      return curl(from, `${protocol}://${bracketed(host)}:${port}${path}`, ...trust, ...given, ...place);
    }
    case 'grpc':
      return text(await call(await socket(), host, '/a.B/C', headers));
    case 'grpcs':
      return text(await call(await securely(await socket(), { ca, servername: host }, ['h2']), host, '/a.B/C', headers));
    case 'tcp':
      return text(await exchange(await socket(), 'hello'));
    case 'tls':
      return text(await exchange(await securely(await socket(), { ca, servername: host }), 'hello'));
  }
};

const silence = (): Promise<Answer> =>
  new Promise((resolve) => setTimeout(() => resolve({ status: 0, body: 'no answer' }), 12_000).unref());
const failed = (error: unknown): Answer => ({ status: 0, body: String(error) });

const answers = await Promise.all(
  Object.entries(JSON.parse(asks) as Record<string, Ask>).map(async ([name, one]) => [
    name,
    await Promise.race([answerTo(name, one).catch(failed), silence()]),
  ]),
);
await rm(folder, { recursive: true });
process.stdout.write(JSON.stringify(Object.fromEntries(answers)), () => process.exit(0));
