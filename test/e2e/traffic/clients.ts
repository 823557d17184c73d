/** Clients that say exactly what they send, each exchange on a connection of its own unless told otherwise. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type Answer, ask } from '../../support/http.ts';
import type { Seen } from './backends.ts';

export type { Answer } from '../../support/http.ts';

/** What the backend that answered says it saw. Throws where no backend answered. */
export const seenBy = ({ status, body }: Answer): Seen => {
  if (!body.startsWith('{')) throw new Error(`no backend answered, but ${status} ${body}`);
  return JSON.parse(body) as Seen;
};

/** Name of the backend that answered; the status where none did. */
export const whoAnswers = (answer: Answer): string => (answer.body.startsWith('{') ? seenBy(answer).backend : String(answer.status));

/** How often each value came. */
export const tallyOf = (values: readonly string[]): Readonly<Record<string, number>> => {
  const tally: Record<string, number> = {};
  for (const value of values) tally[value] = (tally[value] ?? 0) + 1;
  return tally;
};

/** `what`, this often, some at a time. */
export const repeat = async <T>(times: number, what: () => Promise<T>): Promise<readonly T[]> => {
  const results: T[] = [];
  let left = times;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      results.push(await what());
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return results;
};

/** How a client connects by TLS: whom it trusts, the name it asks for, and its own certificate. */
export type Tls = { readonly ca: string; readonly servername: string; readonly cert?: string; readonly key?: string };

/** An HTTPS request for the name that the connection is made with, unless `headers` say another. */
export const askOverTls = async (port: number, tls: Tls, path = '/', headers: Record<string, string> = {}): Promise<Answer> =>
  ask(port, path, { host: tls.servername, ...headers }, tls);

/** What comes back from a TCP port for `text`: up to as much as an echo of it under `name:` has, or what came until it was closed. */
export const tcpExchange = async (port: number, text = 'hello', host = '127.0.0.1'): Promise<string> => exchange(connect(port, host), text);

/** The same over TLS. */
export const tlsExchange = async (port: number, tls: Tls, text = 'hello', host = '127.0.0.1'): Promise<string> =>
  exchange(connectTls({ host, port, ...tls }), text);

/** The same after an HTTP upgrade; throws with the status where that is refused. */
export const upgradedExchange = async (port: number, path: string, headers: Record<string, string>, text = 'hello'): Promise<string> => {
  const asking = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers },
  });
  const upgraded = once(asking.end(), 'upgrade') as Promise<[IncomingMessage, Socket, Buffer]>;
  const refused = (once(asking, 'response') as Promise<[IncomingMessage]>).then(([answer]): never => {
    answer.destroy();
    throw new Error(`not upgraded: ${answer.statusCode}`);
  });
  const [, socket, head] = await Promise.race([upgraded, refused]);
  return exchange(socket, text, head.toString());
};

/** The answer to one datagram from a port of its own. */
export const udpExchange = async (port: number, text = 'hello'): Promise<string> => {
  const socket = createSocket('udp4');
  socket.send(text, port, '127.0.0.1');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return answer.toString();
};

const exchange = async (socket: Duplex, text: string, already = ''): Promise<string> => {
  let got = already;
  socket.on('error', () => undefined);
  socket.write(text);
  return new Promise((resolve) => {
    const look = (): void => {
      if (!got.endsWith(`:${text}`)) return;
      socket.destroy();
      resolve(got);
    };
    socket.on('data', (data: Buffer) => {
      got += data.toString();
      look();
    });
    socket.once('close', () => resolve(got));
    look();
  });
};
