import { createServer } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { handle } from './handle.ts';
import { close, listen, requestFrom, send } from './http.ts';
import { initialWorld } from './initial.ts';
import { replyFrom } from './reply.ts';
import { simulationOf } from './simulation.ts';
import type { World } from './state.ts';

/**
 * `address` is `host:port`, port 0 for any free one. `state` continues an earlier simulation; `seed` decides ids, addresses and secrets of a
 * new one. `changed` is given the world after each change.
 */
export type SimulatorOptions = {
  readonly address: string;
  readonly state?: World;
  readonly seed?: string;
  readonly now?: () => number;
  readonly changed?: (world: World) => void;
};

/** `listen` gives the base URL, and fails as Node does when the address cannot be had. `state` is everything known at the moment, secrets included. */
export type Simulator = {
  readonly listen: () => Promise<{ readonly url: string }>;
  readonly close: () => Promise<void>;
  readonly state: () => World;
};

const tooLarge = { ...replyFrom({ status: 413, message: 'request body too large' }), headers: { connection: 'close' } };

/**
 * A tailnet that exists in memory only, behind an HTTP server: Tailscale's API under `/api/v2`, and `/simulator` to steer it.
 * It logs nothing: what it handles are credentials.
 */
export const simulator = ({ address, state, seed = 'simulated', now = Date.now, changed }: SimulatorOptions): Simulator => {
  let simulation = simulationOf(state ?? initialWorld(seed, now()));
  const closing = new AbortController();

  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await requestFrom(message, now);
    if (request === undefined) return send(response, tooLarge);
    const { simulation: next, outcome } = handle(simulation, request);
    const before = simulation.world;
    simulation = next;
    if (next.world !== before) changed?.(next.world);
    if (outcome.delayMs > 0) await after(outcome.delayMs, undefined, { signal: closing.signal });
    if (outcome.reply === undefined) response.destroy();
    else send(response, outcome.reply, outcome.cut);
  };

  const server = createServer({ requestTimeout: 30_000 }, (message, response) => {
    // The client went away in the middle of its request, or the simulator is closing: nobody waits for an answer.
    answer(message, response).catch(() => response.destroy());
  });
  return {
    listen: () => listen(server, address),
    close: () => {
      closing.abort();
      return close(server);
    },
    state: () => simulation.world,
  };
};
