import {
  createSecureServer,
  createServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { http2Wire } from './http2-wire.ts';
import type { Limits } from './limits.ts';
import { type Method, methods } from './methods.ts';
import { Session } from './session.ts';
import { codes, ListenError, type Receiver, type Transport, type Wire } from './wire.ts';

const methodByPath = new Map(methods.map((method) => [method.path, method]));

/** How often connections are looked at for pings, age and idleness. */
const checkEveryMs = 1000;

/** The part of a TLS server's options that says who it is and whom it trusts. */
export type Tls = Pick<SecureServerOptions, 'key' | 'cert' | 'ca' | 'requestCert' | 'rejectUnauthorized' | 'minVersion' | 'SNICallback'>;

/** gRPC over HTTP/2 by Node's own server; why not by grpc-js is docs/decisions/0003-ads-transport.md. */
export const http2Transport = (address: string, limits: Limits, accept: (method: Method, wire: Wire) => Receiver, tls?: Tls): Transport => {
  const options = {
    // The memory of a session is bounded by what is sent on it, one message a stream; Node's own 10 MB would cut large ones.
    maxSessionMemory: 100_000,
    settings: { maxConcurrentStreams: limits.streamsPerConnection, enablePush: false },
  };
  const server: Http2Server = tls === undefined ? createServer(options) : createSecureServer({ ...options, ...tls });
  const sessions = new Set<Session>();
  const sessionOf = new WeakMap<ServerHttp2Session, Session>();

  server.on('session', (session) => {
    const known = new Session(session, limits);
    sessions.add(known);
    sessionOf.set(session, known);
    session.on('close', () => sessions.delete(known));
  });
  server.on('stream', (stream, headers) => {
    const method = methodByPath.get(headers[':path'] ?? '');
    if (!headers['content-type']?.startsWith('application/grpc')) refuse(stream, { ':status': 415 });
    else if (method === undefined) {
      const status = { 'grpc-status': String(codes.unimplemented), 'grpc-message': 'no such method' };
      refuse(stream, { ':status': 200, 'content-type': 'application/grpc', ...status });
    } else {
      const receiver = http2Wire(stream, limits.requestBytes, (wire) => accept(method, wire));
      const session = stream.session === undefined ? undefined : sessionOf.get(stream.session as ServerHttp2Session);
      session?.add(stream, receiver);
    }
  });
  // A client that speaks something else, or breaks off: its session ends, and that is all.
  server.on('sessionError', () => undefined);
  // Without a listener, a connection that cannot be accepted, as for want of file descriptors, would end the process.
  server.on('error', () => undefined);
  server.maxConnections = limits.connections;

  let checks: NodeJS.Timeout | undefined;
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) =>
          reject(new ListenError(address, error.code ?? error.message, { cause: error })),
        );
        server.listen(portAndHost(address), () => {
          checks = setInterval(() => {
            const now = performance.now();
            for (const session of sessions) session.check(now);
          }, checkEveryMs).unref();
          resolve((server.address() as AddressInfo).port);
        });
      }),
    drain: async (limitMs) => {
      clearInterval(checks);
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const session of sessions) session.close('the server is going away');
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, limitMs);
      await closed;
      clearTimeout(cut);
    },
  };
};

const refuse = (stream: ServerHttp2Stream, headers: Record<string, string | number>): void => {
  stream.on('error', () => undefined);
  stream.respond(headers, { endStream: true });
};

const portAndHost = (address: string): { readonly host: string; readonly port: number } => {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
};
