import { Metadata, Server, ServerCredentials, type ServerDuplexStream, type MethodDefinition } from '@grpc/grpc-js';
import type { Limits } from './limits.ts';
import { type Method, methods } from './methods.ts';
import { ListenError, type Receiver, type Transport, type Wire } from './wire.ts';

const pass = (bytes: Buffer): Buffer => bytes;

export const grpcTransport = (address: string, limits: Limits, accept: (method: Method, wire: Wire) => Receiver): Transport => {
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytes,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    ...(Number.isFinite(limits.connectionAgeMs)
      ? { 'grpc.max_connection_age_ms': limits.connectionAgeMs, 'grpc.max_connection_age_grace_ms': limits.connectionGraceMs }
      : {}),
  });
  for (const method of methods) {
    const definition: MethodDefinition<Buffer, Buffer> = {
      path: method.path,
      requestStream: true,
      responseStream: true,
      requestSerialize: pass,
      requestDeserialize: pass,
      responseSerialize: pass,
      responseDeserialize: pass,
    };
    server.addService({ method: definition }, { method: (call: ServerDuplexStream<Buffer, Buffer>) => serve(call, method) });
  }

  const serve = (call: ServerDuplexStream<Buffer, Buffer>, method: Method): void => {
    const wire: Wire = {
      peer: call.getPeer(),
      send: ({ head, body }, taken) => call.write(Buffer.concat([head, body]), () => taken()),
      end: ({ code, details }) => {
        if (code === 0) call.end();
        else call.emit('error', { code, details, metadata: new Metadata() });
      },
    };
    const receiver = accept(method, wire);
    call.on('data', (bytes: Buffer) => {
      call.pause();
      receiver.message(bytes, () => call.resume());
    });
    call.on('end', () => receiver.halfClosed());
    call.on('cancelled', () => receiver.closed());
    call.on('close', () => receiver.closed());
    call.on('error', () => receiver.closed());
  };

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
          if (error === null) resolve(port);
          else reject(new ListenError(address, /EADDRINUSE/.test(error.message) ? 'EADDRINUSE' : error.message, { cause: error }));
        });
      }),
    drain: (limitMs) =>
      new Promise((resolve) => {
        const force = setTimeout(() => server.forceShutdown(), limitMs);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      }),
  };
};
