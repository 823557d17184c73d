/** An application's pod: echoes bytes and packets on the ports of all its addresses, each after the address that they came from. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

export const ports = { tcp: 8082, other: 8083, udp: 5353 } as const;

if (import.meta.main) {
  for (const port of [ports.tcp, ports.other])
    createServer((client) => {
      client.on('error', () => undefined).on('data', (data) => client.write(`${port} ${client.remoteAddress ?? ''}:${String(data)}`));
    }).listen(port, '0.0.0.0');
  const socket = createSocket('udp4');
  socket.on('message', (data, { address, port }) => socket.send(`${ports.udp} ${address}:${String(data)}`, port, address));
  socket.bind(ports.udp, '0.0.0.0');
  process.once('SIGTERM', () => process.exit(0));
}
