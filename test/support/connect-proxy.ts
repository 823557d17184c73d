/** An HTTP proxy that knows CONNECT only, as a userspace tailscaled's does: what tests of egress go through where there is no tailnet. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { hostPortFrom } from '../../src/lib/host-port.ts';

export type ConnectProxy = {
  readonly port: number;
  /** Targets as they were asked for, in order. */
  readonly asked: readonly string[];
  /** Ends it, and whatever goes through it. */
  readonly stop: () => Promise<void>;
};

/** `names` are those it resolves. To a target in `silent` it goes on connecting for ever; one that refuses is answered with 500. */
export const startConnectProxy = async ({
  names = {},
  silent = [],
}: {
  readonly names?: Readonly<Record<string, string>>;
  readonly silent?: readonly string[];
} = {}): Promise<ConnectProxy> => {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const kept = <S extends Duplex>(socket: S): S => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((_, response) => response.writeHead(400).end());
  server.on('connection', (socket: Socket) => void kept(socket));
  server.on('connect', ({ url = '' }, client: Duplex, head: Buffer) => {
    asked.push(url);
    const { host = '', port = 0 } = hostPortFrom(url) ?? {};
    if (silent.includes(url)) return;
    const target = kept(connect(port, names[host] ?? host));
    target.once('error', () => client.end('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n'));
    target.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    client.once('close', () => target.destroy());
    target.once('close', () => client.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, asked, stop };
};
