import { z } from 'zod';
import { ok } from '../lib/result.ts';
import { tailnetRoutes } from './control-tailnet.ts';
import { faultFrom, faultSchema } from './faults.ts';
import type { Fault } from './faults.ts';
import { tailnetNamed } from './initial.ts';
import { bodyAs, refuse, replyFrom } from './reply.ts';
import type { Reply } from './reply.ts';
import { jsonOf, routeFor } from './routing.ts';
import type { Request } from './routing.ts';
import type { ControlRoute, Done, Order, Simulation } from './simulation.ts';
import type { Tailnet } from './state.ts';

const tailnetSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a DNS label'),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
});

const addTailnet = (simulation: Simulation, { body }: Order): Done => {
  const wish = bodyAs(tailnetSchema, body);
  if (!wish.ok) return wish;
  const { name, clientId, clientSecret } = wish.value;
  const { tailnets } = simulation.world;
  if (tailnets.some((each) => each.name === name)) return refuse(409, 'tailnet exists already');
  if (tailnets.some((each) => each.credentials.some(({ id }) => id === clientId))) return refuse(409, 'client id exists already');
  const tailnet = tailnetNamed(name, { id: clientId, secret: clientSecret }, tailnets[0]?.seed ?? '');
  return ok({ simulation: { ...simulation, world: { tailnets: [...tailnets, tailnet] } }, body: shown(tailnet) });
};

const addFault = (simulation: Simulation, { body }: Order): Done => {
  const order = bodyAs(faultSchema, body);
  if (!order.ok) return order;
  const faultsMade = simulation.faultsMade + 1;
  const fault = faultFrom(order.value, String(faultsMade), simulation.world);
  return ok({ simulation: { ...simulation, faultsMade, faults: [...simulation.faults, fault] }, body: shownFault(fault) });
};

const dropFault = (simulation: Simulation, { params }: Order): Done => {
  const faults = simulation.faults.filter((fault) => fault.id !== params['fault']);
  return faults.length < simulation.faults.length ? ok({ simulation: { ...simulation, faults } }) : refuse(404, 'fault not found');
};

const shownFault = ({ past: _past, ...fault }: Fault) => fault;

/** A tailnet without what only its owners may know. */
const shown = ({ seed: _seed, credentials, grants: _grants, keys, ...tailnet }: Tailnet) => ({
  ...tailnet,
  credentials: credentials.map(({ secret: _secret, ...credential }) => credential),
  keys: keys.map(({ secret: _secret, ...key }) => key),
});

const routes: readonly ControlRoute[] = [
  ['GET', '/simulator', ({ world, faults }) => ok({ body: { tailnets: world.tailnets.map(shown), faults: faults.map(shownFault) } })],
  ['POST', '/simulator/tailnets', addTailnet],
  ...tailnetRoutes,
  ['GET', '/simulator/calls', ({ calls }) => ok({ body: { calls } })],
  ['DELETE', '/simulator/calls', (simulation) => ok({ simulation: { ...simulation, calls: [] } })],
  ['GET', '/simulator/faults', ({ faults }) => ok({ body: { faults: faults.map(shownFault) } })],
  ['POST', '/simulator/faults', addFault],
  ['DELETE', '/simulator/faults', (simulation) => ok({ simulation: { ...simulation, faults: [] } })],
  ['DELETE', '/simulator/faults/:fault', dropFault],
];

/**
 * Steers the simulation from outside: what a person, a script or a test does to it, as against what clients of the API do. No
 * credentials are asked for, so pages in a browser (they send `Origin`) are turned away.
 */
export const control = (simulation: Simulation, request: Request): { readonly simulation: Simulation; readonly reply: Reply } => {
  const done = obey(simulation, request);
  if (!done.ok) return { simulation, reply: replyFrom(done.problem) };
  const { simulation: after = simulation, body = {} } = done.value;
  return { simulation: after, reply: { status: 200, body } };
};

const obey = (simulation: Simulation, { method, path, query, headers, body, now }: Request): Done => {
  if (headers['origin'] !== undefined) return refuse(403, 'not for web pages');
  const found = routeFor(routes, method, path);
  if (!found.ok) return found;
  const json = jsonOf(body);
  return json.ok ? found.value.route[2](simulation, { params: found.value.params, query, body: json.value, now }) : json;
};
