import { step } from '../../src/simulator/api.ts';
import { initialWorld } from '../../src/simulator/initial.ts';
import type { Reply } from '../../src/simulator/reply.ts';
import type { Tailnet, World } from '../../src/simulator/state.ts';

type Options = { readonly token?: string; readonly headers?: Readonly<Record<string, string>>; readonly now?: number };

/** When the tests' worlds begin, in milliseconds since 1970. */
export const start = Date.UTC(2026, 0, 1);

/** A caller of the simulated API as values: keeps the world between calls, and fetches a token for the initial OAuth client when none is given. */
export const callerOf = (initial: World = initialWorld('test', start)) => {
  let world = initial;
  const send = (method: string, url: string, body?: unknown, { token, headers = {}, now = start }: Options = {}): Reply => {
    const [path = '', query = ''] = url.split('?');
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const authorization = token === undefined ? `Bearer ${tokenFor('simulated', 'simulated')}` : token;
    const done = step(world, {
      method,
      path: `/api/v2${path}`,
      query: new URLSearchParams(query),
      headers: { authorization, ...headers },
      body: text,
      now,
    });
    world = done.world;
    return done.reply;
  };
  const tokenFor = (id: string, secret: string, scope = ''): string => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret, scope });
    const reply = send('POST', '/oauth/token', form.toString(), { token: '' });
    return (reply.body as { readonly access_token: string }).access_token;
  };
  return {
    call: send,
    tokenFor,
    world: () => world,
    /** Replaces the first tailnet by what a change makes of it. */
    arrange: (change: (tailnet: Tailnet) => Tailnet): void => {
      world = { tailnets: world.tailnets.map((tailnet, i) => (i === 0 ? change(tailnet) : tailnet)) };
    },
  };
};

/** The first tailnet of a world: the only one unless a test made more. */
export const firstOf = ({ tailnets }: World): Tailnet => {
  const [tailnet] = tailnets;
  if (tailnet === undefined) throw new Error('unreachable: a world without a tailnet');
  return tailnet;
};
