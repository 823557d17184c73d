import { createServer } from 'node:http';
import { step } from './api.ts';
import { close, listen, requestFrom, send } from './http.ts';
import { initialWorld } from './initial.ts';
import { replyFrom } from './reply.ts';
import type { World } from './state.ts';

/** `address` is `host:port`, port 0 for any free one. `state` continues an earlier simulation; `seed` decides ids, addresses and secrets of a new one. */
export type SimulatorOptions = { readonly address: string; readonly state?: World; readonly seed?: string; readonly now?: () => number };

/** `listen` gives the base URL, and fails as Node does when the address cannot be had. `state` is everything known at the moment, secrets included. */
export type Simulator = {
  readonly listen: () => Promise<{ readonly url: string }>;
  readonly close: () => Promise<void>;
  readonly state: () => World;
};

/**
 * A tailnet that exists in memory only, behind an HTTP server that speaks Tailscale's API under `/api/v2`.
 * It logs nothing: what it handles are credentials.
 */
export const simulator = ({ address, state, seed = 'simulated', now = Date.now }: SimulatorOptions): Simulator => {
  let world = state ?? initialWorld(seed, now());
  const server = createServer({ requestTimeout: 30_000 }, (message, response) => {
    const answered = requestFrom(message, now).then((request) => {
      if (request === undefined)
        return send(response, { ...replyFrom({ status: 413, message: 'request body too large' }), headers: { connection: 'close' } });
      const after = step(world, request);
      world = after.world;
      return send(response, after.reply);
    });
    // The client went away in the middle of its request: nobody is left to answer.
    answered.catch(() => message.destroy());
  });
  return { listen: () => listen(server, address), close: () => close(server), state: () => world };
};
