/** An imitation of an ingress proxy: forwards connections as tailscaled's serve does, each with a PROXY protocol header before its bytes. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, isIPv6, type Socket } from 'node:net';

export type IngressProxyOptions = {
  /** Where Envoy listens, on loopback. */
  readonly to: number;
  /** The tailnet address that connections are said to be from. */
  readonly peer: string;
  /** What comes before a connection's bytes. */
  readonly header?: 'v2' | 'v1' | 'none';
  /** The address it connects from, which is what a fence judges. */
  readonly from?: string;
};

export type IngressProxy = { readonly port: number; readonly stop: () => Promise<void> };

export const startIngressProxy = async ({ to, peer, header = 'v2', from = '127.0.0.1' }: IngressProxyOptions): Promise<IngressProxy> => {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const envoy = connect({ port: to, host: '127.0.0.1', localAddress: from });
    envoy.write(headerFor(header, peer));
    client.pipe(envoy).pipe(client);
    for (const [one, other] of [
      [client, envoy],
      [envoy, client],
    ] as const) {
      open.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(one);
          other.destroy();
        });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
};

const headerFor = (header: NonNullable<IngressProxyOptions['header']>, peer: string): Buffer => {
  if (header === 'none') return Buffer.alloc(0);
  if (header === 'v1') return Buffer.from(`PROXY ${isIPv6(peer) ? 'TCP6' : 'TCP4'} ${peer} ${peer} 40000 443\r\n`);
  return version2(peer);
};

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

/** PROXY protocol specification, 2.2: version 2, command PROXY, TCP over either family, without further fields. */
const version2 = (peer: string): Buffer => {
  const address = isIPv6(peer) ? ipv6Bytes(peer) : Buffer.from(peer.split('.').map(Number));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(40_000, 0);
  ports.writeUInt16BE(443, 2);
  const addresses = Buffer.concat([address, address, ports]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(addresses.length);
  return Buffer.concat([signature, Buffer.from([0x21, isIPv6(peer) ? 0x21 : 0x11]), length, addresses]);
};

const ipv6Bytes = (address: string): Buffer => {
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
};
