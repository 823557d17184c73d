import { constants, type ServerHttp2Stream } from 'node:http2';
import { MessageReader } from './message-reader.ts';
import type { Peer } from './peer.ts';
import type { Message } from './response.ts';
import type { Receiver, Status, Wire } from './wire.ts';

/** How long a client may take to read the last bytes and the status before the stream is cut. */
const endWithinMs = 5000;

/** One gRPC stream on HTTP/2 (gRPC over HTTP/2, "Requests", "Responses"). `accept` is given the wire and returns who receives from it. */
export const http2Wire = (stream: ServerHttp2Stream, peer: Peer, requestBytes: number, accept: (wire: Wire) => Receiver): Receiver => {
  let status: Status | undefined;
  const wire: Wire = {
    peer,
    send: (message, taken) => send(stream, message, taken),
    end: (ending) => {
      if (status !== undefined || stream.destroyed) return;
      status = ending;
      stream.resume();
      stream.end();
      const cut = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), endWithinMs).unref();
      stream.once('close', () => clearTimeout(cut));
    },
  };
  stream.on('wantTrailers', () => {
    const { code, details } = status ?? { code: 0, details: '' };
    stream.sendTrailers({ 'grpc-status': String(code), ...(details === '' ? {} : { 'grpc-message': percentEncoded(details) }) });
    // The client may go on sending; without this it would never learn that nobody reads (RFC 9113 8.1).
    setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  });
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity' }, { waitForTrailers: true });
  const receiver = accept(wire);
  receive(stream, new MessageReader(requestBytes), receiver, wire, () => status !== undefined);
  // Both a reset by the client and a lost connection come as errors first, and `close` always comes last.
  stream.on('error', () => undefined);
  stream.on('close', () => receiver.closed());
  return receiver;
};

/** Only what is not printable ASCII, and `%`, is encoded (gRPC over HTTP/2, "Percent-Encoded"): clients do not decode more. */
const percentEncoded = (details: string): string => details.toWellFormed().replaceAll(/[^ -$&-~]/gu, encodeURIComponent);

const send = (stream: ServerHttp2Stream, { head, body }: Message, taken: () => void): void => {
  const prefixed = Buffer.allocUnsafe(5 + head.length);
  prefixed[0] = 0;
  prefixed.writeUInt32BE(head.length + body.length, 1);
  head.copy(prefixed, 5);
  const done = (error?: Error | null): void => (error ? undefined : taken());
  if (body.length === 0) {
    stream.write(prefixed, done);
    return;
  }
  stream.cork();
  stream.write(prefixed);
  stream.write(body, done);
  stream.uncork();
};

/** Gives the receiver one message at a time, and reads on only when it has handled that. */
const receive = (stream: ServerHttp2Stream, reader: MessageReader, receiver: Receiver, wire: Wire, isEnded: () => boolean): void => {
  let busy = false;
  let halfClosed = false;
  const advance = (): void => {
    if (busy || isEnded()) return;
    const message = reader.next();
    if (message === undefined) {
      if (halfClosed) receiver.halfClosed();
      else stream.resume();
    } else if (Buffer.isBuffer(message)) {
      busy = true;
      stream.pause();
      receiver.message(message, () => {
        busy = false;
        advance();
      });
    } else receiver.failed(message);
  };
  stream.on('data', (chunk: Buffer) => {
    if (isEnded()) return;
    reader.push(chunk);
    advance();
  });
  stream.on('end', () => {
    halfClosed = true;
    advance();
  });
};
