import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Reply } from './reply.ts';
import type { Request } from './routing.ts';

const maxBodyBytes = 1024 * 1024;

/** The request as a value once its body is whole; undefined when that exceeds 1 MiB, which is then not read to its end. Rejects when the client goes away. */
export const requestFrom = async (message: IncomingMessage, now: () => number): Promise<Request | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(bytes);
  }
  const [path = '', query = ''] = (message.url ?? '').split(/\?(.*)/s);
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
  const body = Buffer.concat(chunks).toString('utf8');
  return { method: message.method ?? 'GET', path, query: new URLSearchParams(query), headers, body, now: now() };
};

/** Sends a reply as JSON. `cut` sends the first half of the body and breaks the connection. */
export const send = (response: ServerResponse, { status, body, headers }: Reply, cut = false): void => {
  const text = body === undefined ? '' : typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  const type = text === '' ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, { ...type, 'content-length': Buffer.byteLength(text), ...headers });
  if (cut) response.write(text.slice(0, text.length / 2), () => response.destroy());
  else response.end(text);
};

/** Listens on `host:port` (`[::1]:0` for IPv6; no host is loopback, port 0 any free one); the base URL that reaches it. Fails as Node does. */
export const listen = async (server: Server, address: string): Promise<{ readonly url: string }> => {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1') || '127.0.0.1';
  server.listen({ host, port: Number(address.slice(colon + 1)) });
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  return { url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}` };
};

/** Resolves when nothing listens any more. Calls in flight are cut off. */
export const close = async (server: Server): Promise<void> => {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
};
