/** An application's pod: servers of every protocol, all under one name. Arguments: the name, a folder with `tls.crt` and `tls.key`. */
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { httpEcho, tcpEcho, tlsEcho } from '../traffic/backends.ts';
import { grpcBackend } from '../traffic/grpc.ts';

export const ports = { http: 8080, grpc: 8081, tcp: 8082, tls: 8083 } as const;

/** Has a port of every address lead to one of loopback, where the servers listen. */
const open = (port: number, to: number): void =>
  void createServer((client) => {
    const server = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('error', () => other.destroy()).pipe(other);
  }).listen(port);

if (import.meta.main) {
  const [, , name = '', folder = ''] = process.argv;
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');
  const servers = {
    http: await httpEcho(name),
    grpc: await grpcBackend(name, { '/a.B/C': (_, metadata) => Buffer.from(`${name}:${metadata.get('tailscale-user-login').join(',')}`) }),
    tcp: await tcpEcho(name),
    tls: await tlsEcho(name, { certificate: await read('tls.crt'), privateKey: await read('tls.key') }),
  };
  for (const [protocol, { port }] of Object.entries(servers)) open(ports[protocol as keyof typeof ports], port);
  process.once('SIGTERM', () => process.exit(0));
}
