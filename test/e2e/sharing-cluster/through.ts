/** Connections of a machine of a tailnet: through the HTTP proxy of its own tailscaled, which resolves the tailnet's names. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

const patience = 10_000;

/** A connection to `target`, `host:port`; throws with the proxy's status where there is none, and an AbortError where none comes in time. */
export const through = async (proxy: string, target: string, timeoutMs = patience): Promise<Socket> => {
  const [host, port] = proxy.split(':');
  const asking = request({ host, port, method: 'CONNECT', path: target, agent: false, signal: AbortSignal.timeout(timeoutMs) });
  const [{ statusCode }, socket] = (await once(asking.end(), 'connect')) as [{ readonly statusCode: number }, Socket, Buffer];
  if (statusCode === 200) return socket.setTimeout(patience, () => socket.destroy(new Error('no answer')));
  socket.destroy();
  throw new Error(`${target}: ${statusCode}`);
};

export type Trust = { readonly ca: string; readonly servername: string };

/** The same, with TLS in it. */
export const securely = async (socket: Duplex, trust: Trust, ALPNProtocols: readonly string[] = []): Promise<Duplex> => {
  const tls = connectTls({ socket, ...trust, ALPNProtocols: [...ALPNProtocols] });
  await once(tls, 'secureConnect');
  return tls;
};

/** What comes back for `text` up to its end, or until the connection is closed. */
export const exchange = async (socket: Duplex, text: string): Promise<string> => {
  let got = '';
  socket.write(text);
  try {
    for await (const data of socket) {
      got += String(data);
      if (got.endsWith(`:${text}`)) break;
    }
  } catch {
    // Closed in the middle: what came is the answer.
  }
  socket.destroy();
  return got;
};

/** One unary gRPC call over a connection: the answer as text, or its status. */
export const call = async (socket: Duplex, authority: string, path: string, headers: Readonly<Record<string, string>>): Promise<string> => {
  const session = connectHttp2(`http://${authority}`, { createConnection: () => socket });
  // Its streams tell.
  session.on('error', () => undefined);
  try {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    const message = Buffer.from('hello');
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    let status = '';
    stream.on('response', (answer) => (status = String(answer['grpc-status'] ?? answer[':status'])));
    stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return status === '0' ? Buffer.concat(parts).subarray(5).toString() : `status ${status}`;
  } finally {
    session.destroy();
  }
};
