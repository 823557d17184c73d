import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below those that the kernel gives to whoever connects (net.ipv4.ip_local_port_range, from 32768): a port of that range is free now, and the end of
 * somebody's connection by the time that an Envoy wants to listen there. Below those of tailnet listeners, too. Each process walks through them from a
 * place of its own.
 */
const [first, last] = [11_000, 15_999];
const perProcess = 100;
let next = first + ((process.pid * perProcess) % (last + 1 - first));

/** Ports of loopback that nobody listens on and nobody was given: all different, of this call and of those before it. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = next;
    next = next === last ? first : next + 1;
    const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
    const taken = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!taken) continue;
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
};

export const freePort = async (): Promise<number> => (await freePorts(1))[0] ?? 0;
