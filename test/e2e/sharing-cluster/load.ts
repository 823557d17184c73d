/**
 * Asks a service of a tailnet again and again from one of its machines until standard input ends, each request on a connection of its own. Prints a
 * dot for each answer, and in the end what came, as a Count. Arguments: the machine's HTTP proxy, the service's name, its certificate authority,
 * how many at a time.
 */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { securely, through } from './through.ts';

export type Failure = {
  /** When its request began and when it failed, by Date.now(). */
  readonly began: number;
  readonly ended: number;
  readonly reason: string;
};

export type Count = {
  readonly answered: number;
  /** How many answers came from whom. */
  readonly by: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  /** How many answers ended their connection, as those of an Envoy do that goes. */
  readonly closing: number;
  /**
   * How many connections nobody took, and were tried again from another port: tailscaled takes no new one from a port for as long as it remembers an
   * old one that the other side has ended, and who connects takes any port.
   */
  readonly untaken: number;
};

const [, , proxy = '', name = '', ca = '', width = '4'] = process.argv;
const failures: Failure[] = [];
const by: Record<string, number> = {};
let [answered, closing, untaken] = [0, 0, 0];
let ended = false;
process.stdin.resume().on('end', () => (ended = true));

/** Says, of what fails, when it did. */
const during = async <T>(what: string, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
};

const connected = async (): Promise<Socket> => {
  try {
    return await through(proxy, `${name}:443`, 5000);
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
    untaken += 1;
    return through(proxy, `${name}:443`);
  }
};

const ask = async (): Promise<string> => {
  const socket = await during('CONNECT', connected());
  try {
    const tls = await during('TLS', securely(socket, { ca, servername: name }));
    // We are who ends the connection, unless Envoy wants to.
    const headers = { host: name, connection: 'keep-alive' };
    const asking = request({ createConnection: () => tls, path: '/', headers, signal: AbortSignal.timeout(10_000) });
    const [response] = (await during('HTTP', once(asking.end(), 'response'))) as [IncomingMessage];
    const body = await text(response);
    if (response.headers.connection === 'close') closing += 1;
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
    return (JSON.parse(body) as { readonly backend: string }).backend;
  } finally {
    socket.destroy();
  }
};

const worker = async (): Promise<void> => {
  while (!ended) {
    const began = Date.now();
    try {
      const who = await ask();
      by[who] = (by[who] ?? 0) + 1;
      answered += 1;
      process.stdout.write('.');
    } catch (error) {
      failures.push({ began, ended: Date.now(), reason: (error as Error).message });
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

await Promise.all(Array.from({ length: Number(width) }, worker));
const count: Count = { answered, by, failures, closing, untaken };
process.stdout.write(`\n${JSON.stringify(count)}`, () => process.exit(0));
