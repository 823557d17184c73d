/** Small HTTP parts for end-to-end tests: a backend that says who it is, and a client that may set any header. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type RequestOptions, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type Backend = {
  readonly name: string;
  readonly port: number;
  readonly server: Server;
  readonly received: IncomingMessage[];
  readonly close: () => void;
};

/** Answers `name METHOD /path`, and keeps what it received; `status` decides what else it answers with. */
export const startBackend = async (name: string, status: (request: IncomingMessage) => number = () => 200): Promise<Backend> => {
  const received: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    received.push(request);
    request.resume();
    response.writeHead(status(request), { 'x-backend': name });
    response.end(`${name} ${request.method} ${request.url}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { name, port: (server.address() as AddressInfo).port, server, received, close };
};

export type Answer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: string };

/** One request on a connection of its own unless `options.agent` says otherwise; `https` where `options.ca` is given. */
export const ask = (
  port: number,
  path = '/',
  headers: Record<string, string> = {},
  options: RequestOptions & { readonly ca?: string; readonly servername?: string } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = options.ca === undefined ? httpRequest : httpsRequest;
    request({ host: '127.0.0.1', port, path, headers, agent: false, timeout: 10_000, ...options }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }), reject);
    })
      .on('error', reject)
      .end();
  });

export type Load = { readonly stop: () => Promise<{ readonly requests: number; readonly failures: readonly string[] }> };

/** Asks without pause on `width` connections until it is stopped. What `isGood` refuses, and what throws, is a failure. */
export const startLoad = (port: number, headers: Record<string, string>, isGood: (answer: Answer) => boolean, width = 4): Load => {
  const failures: string[] = [];
  let requests = 0;
  const stopping = new AbortController();
  const worker = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      requests += 1;
      await ask(port, '/', headers).then(
        (answer) => void (isGood(answer) || failures.push(`${answer.status} ${answer.body}`)),
        (error: unknown) => void failures.push(String(error)),
      );
    }
  };
  const workers = Promise.all(Array.from({ length: width }, worker));
  return {
    stop: async () => {
      stopping.abort();
      await workers;
      return { requests, failures };
    },
  };
};
