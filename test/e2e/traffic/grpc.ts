/** gRPC without .proto files: messages are bytes, so a client and a server for any service are a few lines. */
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import type { Backend } from './backends.ts';

const asIs = (bytes: Buffer): Buffer => bytes;

type Handler = (request: Buffer, metadata: Metadata) => Buffer;

/** A server of unary methods, by full path (`/pkg.Service/Method`). A handler that throws a status answers with it. */
export const grpcBackend = async (name: string, handlers: Readonly<Record<string, Handler>>): Promise<Backend> => {
  const server = new Server();
  const definition: ServiceDefinition = Object.fromEntries(
    Object.keys(handlers).map((path) => [
      path,
      {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    ]),
  );
  const implementation = Object.fromEntries(
    Object.entries(handlers).map(([path, handle]) => [
      path,
      (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => done(null, handle(call.request, call.metadata)),
    ]),
  );
  server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { name, port, stop: async () => server.forceShutdown() };
};

export type Call = { readonly code: string; readonly answer: string };

/** One unary call for `authority`, on a connection of its own: the status by name, and the answer as text. */
export const callGrpc = async (
  port: number,
  authority: string,
  path: string,
  headers: Record<string, string> = {},
  host = '127.0.0.1',
): Promise<Call> => {
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), {
    'grpc.default_authority': authority,
    'grpc.enable_retries': 0,
  });
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  try {
    return await new Promise<Call>((resolve) => {
      client.makeUnaryRequest(path, asIs, asIs, Buffer.from('hello'), metadata, { deadline: Date.now() + 10_000 }, (error, answer) =>
        resolve({ code: status[error?.code ?? status.OK], answer: answer?.toString() ?? '' }),
      );
    });
  } finally {
    client.close();
  }
};
