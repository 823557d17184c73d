import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A way to a server on loopback that can be made slow, or cut, for whoever goes by it. */
export type Line = {
  readonly port: number;
  /** Milliseconds that everything on it takes longer, in each direction. */
  slow: (ms: number) => void;
  /** Connections break, and new ones are refused, until it is mended. */
  cut: () => void;
  mend: () => void;
  readonly stop: () => Promise<void>;
};

/** Bytes go through as they are, so TLS ends where it ends without it. */
export const startLine = async (toPort: number): Promise<Line> => {
  let delayMs = 0;
  let isCut = false;
  const open = new Set<Socket>();
  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      // Also when the delay shrinks, what comes later must not overtake what came before.
      if (delayMs === 0 && !held.has(to)) to.write(bytes);
      else hold(to, delayMs, () => to.write(bytes));
    });
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  };
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(toPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    pass(client, upstream);
    pass(upstream, client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const breakAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    slow: (ms) => void (delayMs = ms),
    cut: () => {
      isCut = true;
      breakAll();
    },
    mend: () => void (isCut = false),
    stop: async () => {
      const closed = once(server.close(), 'close');
      breakAll();
      await closed;
    },
  };
};

/** What was held up last on the way to a socket; there may be more behind it only once it went. */
const held = new WeakMap<Socket, Promise<void>>();

const hold = (socket: Socket, ms: number, write: () => void): void => {
  const written = writeAfter(socket, ms, write);
  held.set(socket, written);
};

const writeAfter = async (socket: Socket, ms: number, write: () => void): Promise<void> => {
  const before = held.get(socket);
  await sleep(ms);
  await before;
  if (!socket.destroyed) write();
};
