import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListenError } from '../../xds/ads/wire.ts';
import { type HostPort, hostPortText } from '../lib/host-port.ts';

export type Answer = { readonly status: number; readonly type: string; readonly body: string };

/** What answers at each path. A handler that throws is answered with 500. */
export type Handlers = Readonly<Record<string, (query: URLSearchParams) => Answer | Promise<Answer>>>;

export type HttpServer = {
  /** Starts to serve and gives the port. Throws a ListenError if the address cannot be had. */
  readonly listen: () => Promise<number>;
  readonly close: () => Promise<void>;
};

export const json = (status: number, value: unknown): Answer => ({ status, type: 'application/json', body: `${JSON.stringify(value)}\n` });

/** A server for GET and HEAD only, with bounds on what a client may send, and on how long it may take. */
export const httpServer = (address: HostPort, handlers: Handlers, failed: (error: unknown) => void): HttpServer => {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 },
    (request, response) => {
      answer(request, handlers)
        .catch((error: unknown) => {
          failed(error);
          return json(500, { error: 'internal error; the log says more' });
        })
        .then((given) => send(request, response, given), failed);
    },
  );
  server.maxConnections = 1000;
  return {
    listen: async () => {
      server.listen({ host: address.host, port: address.port });
      try {
        await once(server, 'listening');
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        throw new ListenError(hostPortText(address), code === 'EADDRINUSE' ? code : message, { cause: error });
      }
      return (server.address() as AddressInfo).port;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const answer = async ({ method, url = '/' }: IncomingMessage, handlers: Handlers): Promise<Answer> => {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { error: `${method} is not allowed; use GET` });
  const target = URL.parse(url, 'http://host');
  const handler = target !== null && Object.hasOwn(handlers, target.pathname) ? handlers[target.pathname] : undefined;
  if (target === null || handler === undefined) return json(404, { error: `no such path; there is ${Object.keys(handlers).join(', ')}` });
  return handler(target.searchParams);
};

const send = (request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void => {
  // A body is nothing we read: the connection ends rather than wait for it.
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...(hasBody ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};
