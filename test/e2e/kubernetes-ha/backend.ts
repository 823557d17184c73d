import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type OwnBackend = { readonly name: string; readonly address: string; readonly port: number; readonly close: () => void };

/** Says its name, to nobody but this machine: the address is one that others may reach. */
export const startOwnBackend = async (name: string, address: string): Promise<OwnBackend> => {
  const server = createServer((_, response) => response.end(name));
  server.on('connection', (socket) => {
    if (socket.remoteAddress !== address) socket.destroy();
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    name,
    address,
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
