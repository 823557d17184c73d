/** Small servers that say who they are and what they got. All on loopback, on ports of their own. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** What a backend says it was asked. */
export type Seen = {
  readonly backend: string;
  readonly method: string;
  readonly path: string;
  readonly version: string;
  readonly headers: IncomingHttpHeaders;
};

export type Backend = { readonly name: string; readonly port: number; readonly stop: () => Promise<void> };
export type HttpBackend = Backend & { readonly seen: Seen[] };

type Answer = { readonly status: number; readonly headers?: Record<string, string> };

/** What it answers to the request that came as its `count`th (1 is the first) for this path; undefined never answers. */
export type Answering = (seen: Seen, count: number) => Answer | undefined | Promise<Answer>;

const fine: Answering = () => ({ status: 200 });

/** HTTP/1.1. The body of each answer is what was Seen, as JSON. Upgrades are answered with `name`, then what the client sends. */
export const httpEcho = async (name: string, answering: Answering = fine): Promise<HttpBackend> => {
  const { seen, handle } = echoing(name, answering);
  const server = createServer(handle);
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n${name}:`);
    socket.pipe(socket);
  });
  return { ...(await listening(name, server)), seen };
};

/** HTTP/2 without TLS. */
export const h2cEcho = async (name: string): Promise<HttpBackend> => {
  const { seen, handle } = echoing(name, fine);
  return { ...(await listening(name, createHttp2Server(handle))), seen };
};

export type KeyPair = { readonly certificate: string; readonly privateKey: string };

/** HTTP/1.1 over TLS; with `clientCa`, only for clients with a certificate by it. */
export const httpsEcho = async (name: string, { certificate, privateKey }: KeyPair, clientCa?: string): Promise<HttpBackend> => {
  const { seen, handle } = echoing(name, fine);
  const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { ...(await listening(name, createHttpsServer({ cert: certificate, key: privateKey, ...mutual }, handle))), seen };
};

/** Answers what it gets, `name:` before all of it. */
export const tcpEcho = async (name: string): Promise<Backend> => listening(name, createTcpServer(echoOn(name)));

/** The same, over TLS that ends here. */
export const tlsEcho = async (name: string, { certificate, privateKey }: KeyPair): Promise<Backend> =>
  listening(name, createTlsServer({ cert: certificate, key: privateKey }, echoOn(name)));

/** Answers each datagram with `name:` and what was in it. */
export const udpEcho = async (name: string): Promise<Backend> => {
  const socket = createSocket('udp4');
  socket.on('message', (data, { port, address }) => socket.send(`${name}:${data.toString()}`, port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { name, port: socket.address().port, stop: async () => void (await once(socket.close(), 'close')) };
};

const echoOn =
  (name: string) =>
  (socket: Socket): void => {
    socket.on('error', () => undefined);
    socket.write(`${name}:`);
    socket.pipe(socket);
  };

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const echoing = (name: string, answering: Answering): { seen: Seen[]; handle: (request: Request, response: Response) => void } => {
  const seen: Seen[] = [];
  const respond = async (one: Seen, response: Response): Promise<void> => {
    const answer = await answering(one, seen.filter((other) => other.path === one.path).length);
    if (answer === undefined) return;
    const written: Record<string, string> = { 'content-type': 'application/json', ...answer.headers };
    for (const [header, value] of Object.entries(written)) response.setHeader(header, value);
    response.statusCode = answer.status;
    response.end(JSON.stringify(one));
  };
  const handle = (request: Request, response: Response): void => {
    const { method = '', url: path = '', httpVersion: version, headers } = request;
    const one: Seen = { backend: name, method, path, version, headers };
    seen.push(one);
    request.resume();
    void respond(one, response);
  };
  return { seen, handle };
};

/** Listens on a free port. Stopping it ends what is open, too. */
const listening = async (name: string, server: Server | NetServer): Promise<Backend> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { name, port: (server.address() as AddressInfo).port, stop };
};
