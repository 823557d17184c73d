import type { X509Certificate } from 'node:crypto';
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { certificatesIn } from '../../src/lib/ca-bundle.ts';
import { http2Wire } from './http2-wire.ts';
import type { Limits } from './limits.ts';
import { type Method, methods } from './methods.ts';
import { refusalOf, Refusals } from './refusals.ts';
import { Session } from './session.ts';
import { contextOptionsFrom, type Tls, TlsError } from './tls.ts';
import { codes, ListenError, type Receiver, type Transport, type Wire } from './wire.ts';

const methodByPath = new Map(methods.map((method) => [method.path, method]));

/** How often connections are looked at for pings, age and idleness. */
const checkEveryMs = 1000;

type Secured = { readonly tls: Tls; readonly context: SecureContextOptions };

type Options = { readonly address: string; readonly limits: Limits; readonly tls: Tls | undefined };

type Users = {
  readonly accept: (method: Method, wire: Wire) => Receiver;
  /** A TLS handshake failed. */
  readonly refused: () => void;
  /** What is worth telling of those: not each. */
  readonly tellRefused: (reason: string, times: number) => void;
};

/** gRPC over HTTP/2 by Node's own server; why not by grpc-js is docs/decisions/0003-ads-transport.md. Throws a TlsError. */
export const http2Transport = ({ address, limits, ...options }: Options, { accept, refused, tellRefused }: Users): Transport => {
  const sessions = new Set<Session>();
  const sessionOf = new WeakMap<ServerHttp2Session, Session>();
  const refusals = new Refusals(tellRefused);
  let secured: Secured | undefined;
  let trust: { readonly cas: readonly X509Certificate[]; readonly since: number } | undefined;
  let server: Http2Server | Http2SecureServer | undefined;
  let checks: NodeJS.Timeout | undefined;

  const secure = (tls: Tls): void => {
    const context = contextOptionsFrom(tls);
    if (server !== undefined) {
      if (secured === undefined || !('setSecureContext' in server)) throw new TlsError('a server that serves without TLS goes on so');
      if ((tls.ca === undefined) !== (secured.tls.ca === undefined))
        throw new TlsError('whether clients need certificates cannot change while they are served');
      server.setSecureContext(context);
    }
    const isTrustNew = secured !== undefined && tls.ca !== secured.tls.ca;
    secured = { tls, context };
    if (!isTrustNew || tls.ca === undefined) return;
    trust = { cas: certificatesIn(tls.ca), since: performance.now() };
    for (const session of sessions) session.trustOnly(trust.cas);
  };
  const onSession = (session: ServerHttp2Session): void => {
    const known = new Session(session, limits);
    sessions.add(known);
    sessionOf.set(session, known);
    session.on('close', () => sessions.delete(known));
    // Its handshake may have begun when others were trusted.
    if (trust !== undefined && performance.now() - trust.since < 2 * limits.handshakeMs) known.trustOnly(trust.cas);
  };
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const method = methodByPath.get(headers[':path'] ?? '');
    const session = stream.session === undefined ? undefined : sessionOf.get(stream.session as ServerHttp2Session);
    if (session === undefined) stream.destroy();
    else if (!headers['content-type']?.startsWith('application/grpc')) refuse(stream, { ':status': 415 });
    else if (method === undefined) {
      const status = { 'grpc-status': String(codes.unimplemented), 'grpc-message': 'no such method' };
      refuse(stream, { ':status': 200, 'content-type': 'application/grpc', ...status });
    } else
      session.add(
        stream,
        http2Wire(stream, session.peer, limits.requestBytes, (wire) => accept(method, wire)),
      );
  };
  const onTlsClientError = (error: Error, socket: TLSSocket): void => {
    refused();
    const reason = refusalOf(error, socket);
    if (reason !== undefined) refusals.add(reason, performance.now());
  };
  const check = (): void => {
    const now = performance.now();
    for (const session of sessions) session.check(now);
    refusals.check(now);
  };

  if (options.tls !== undefined) secure(options.tls);
  return {
    secure,
    listen: () =>
      new Promise((resolve, reject) => {
        const listening = (server = serverWith(limits, secured));
        listening.on('session', onSession);
        listening.on('stream', onStream);
        listening.on('tlsClientError', onTlsClientError);
        // A client that speaks something else, or breaks off: its session ends, and that is all.
        listening.on('sessionError', () => undefined);
        // Without a listener, a connection that cannot be accepted, as for want of file descriptors, would end the process.
        listening.on('error', (error: NodeJS.ErrnoException) =>
          reject(new ListenError(address, error.code ?? error.message, { cause: error })),
        );
        listening.maxConnections = limits.connections;
        listening.listen(portAndHost(address), () => {
          checks = setInterval(check, checkEveryMs).unref();
          resolve((listening.address() as AddressInfo).port);
        });
      }),
    drain: async (limitMs) => {
      clearInterval(checks);
      const closed = new Promise<void>((resolve) => {
        if (server === undefined) resolve();
        else server.close(() => resolve());
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

const serverWith = ({ streamsPerConnection, handshakeMs }: Limits, secured: Secured | undefined): Http2Server | Http2SecureServer => {
  const options = {
    // The memory of a session is bounded by what is sent on it, one message a stream; Node's own 10 MB would cut large ones.
    maxSessionMemory: 100_000,
    settings: { maxConcurrentStreams: streamsPerConnection, enablePush: false },
  };
  if (secured === undefined) return createServer(options);
  const clients = secured.tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
  return createSecureServer({ ...options, ...secured.context, ...clients, handshakeTimeout: handshakeMs });
};

const refuse = (stream: ServerHttp2Stream, headers: Record<string, string | number>): void => {
  stream.on('error', () => undefined);
  stream.respond(headers, { endStream: true });
};

const portAndHost = (address: string): { readonly host: string; readonly port: number } => {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
};
