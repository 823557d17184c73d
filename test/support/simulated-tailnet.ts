import { setImmediate } from 'node:timers/promises';
import { simulator } from '../../src/simulator/simulator.ts';
import type { Tailnet } from '../../src/simulator/state.ts';
import { type ClientOptions, type TailscaleClient, tailscaleClient } from '../../src/tailscale/client.ts';
import type { CallMade } from '../../src/tailscale/transport.ts';
import { firstOf, start } from './simulated-call.ts';

/** Time that passes only when somebody waits. `waits` are those waits, in milliseconds; chance is always 0. */
export const virtualClock = () => {
  const waits: number[] = [];
  let now = start;
  return {
    waits,
    now: () => now,
    random: () => 0,
    wait: async (ms: number, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted();
      waits.push(ms);
      const until = now + ms;
      // Whoever does not wait goes first, and who waits at the same time does not wait longer for it.
      await setImmediate();
      signal.throwIfAborted();
      now = Math.max(now, until);
    },
    pass: (ms: number): void => {
      now += ms;
    },
  };
};

/** Clients of a simulated tailnet in this process, all of them and the simulator on one virtual clock. `made` are their calls, as `name status`. */
export const simulatedTailnet = async () => {
  const clock = virtualClock();
  const simulated = simulator({ address: '127.0.0.1:0', now: clock.now });
  const { url } = await simulated.listen();
  const made: string[] = [];
  const clients: TailscaleClient[] = [];
  const steer = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/simulator${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    clock,
    made,
    steer,
    fault: (order: unknown): Promise<unknown> => steer('POST', '/faults', order),
    client: (options: Partial<ClientOptions> = {}): TailscaleClient => {
      const client = tailscaleClient({
        apiURL: url,
        tailnet: '-',
        credentials: { clientId: 'simulated', clientSecret: 'simulated' },
        userAgent: 'test',
        called: ({ name, status }: CallMade) => made.push(`${name} ${status}`),
        ...clock,
        ...options,
      });
      clients.push(client);
      return client;
    },
    tailnet: (): Tailnet => firstOf(simulated.state()),
    close: async (): Promise<void> => {
      for (const client of clients) client.close();
      await simulated.close();
    },
  };
};
