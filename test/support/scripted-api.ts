import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Heard = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };

/** An answer to send: `body` as it is, or as JSON. A function answers by itself, and may do what no API should. */
export type Scripted =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | ((response: ServerResponse, request: Heard) => void);

/**
 * An HTTP server for what the simulator is too well-behaved for: `answer` says what each request gets. Requests for tokens get one, `token-1`
 * and so on, unless `answer` says otherwise. `heard` are all requests as they came.
 */
export const scriptedApi = async (answer: (request: Heard) => Scripted | undefined) => {
  const heard: Heard[] = [];
  let tokens = 0;
  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers } = message;
    const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
    heard.push(request);
    const scripted = answer(request) ?? (path.includes('/oauth/') ? { body: tokenNumber(++tokens) } : { status: 404, body: '' });
    if (typeof scripted === 'function') return scripted(response, request);
    const { status = 200, body = {} } = scripted;
    response.writeHead(status, { connection: 'close', ...scripted.headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  // A client that went away in the middle of its request waits for no answer.
  const server = createServer((message, response) => void handle(message, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    close: async (): Promise<void> => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};

const tokenNumber = (n: number) => ({ access_token: `token-${n}`, token_type: 'Bearer', expires_in: 3600 });
