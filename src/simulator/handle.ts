import { step } from './api.ts';
import { control } from './control.ts';
import { takeFault, worldUnder } from './faults.ts';
import type { Fault } from './faults.ts';
import { replyFrom } from './reply.ts';
import type { Reply } from './reply.ts';
import type { Request } from './routing.ts';
import type { CallRecord, Simulation } from './simulation.ts';
import type { World } from './state.ts';

/** How a call is to be answered: after how long, with what (nothing: the connection is dropped), and whether only half of it. */
export type Outcome = { readonly delayMs: number; readonly reply?: Reply; readonly cut: boolean };

const callsKept = 1000;

/** One request of either door: `/simulator…` for whoever steers the simulation, anything else for clients of the API, faults included. */
export const handle = (simulation: Simulation, request: Request): { readonly simulation: Simulation; readonly outcome: Outcome } => {
  if (request.path === '/simulator' || request.path.startsWith('/simulator/')) {
    const { simulation: after, reply } = control(simulation, request);
    return { simulation: after, outcome: { delayMs: 0, reply, cut: false } };
  }
  const { method, path, now } = request;
  const { fault, faults } = takeFault(simulation.faults, method, path);
  const { world, reply } = answerUnder(fault, simulation.world, request);
  const record: CallRecord = { method, path, ...(reply !== undefined && { status: reply.status }), at: now };
  return {
    simulation: { ...simulation, world, faults, calls: [...simulation.calls.slice(1 - callsKept), record] },
    outcome: { delayMs: fault?.delayMs ?? 0, ...(reply !== undefined && { reply }), cut: fault?.cut ?? false },
  };
};

const answerUnder = (fault: Fault | undefined, world: World, request: Request): { readonly world: World; readonly reply?: Reply } => {
  if (fault?.drop) return { world };
  if (fault?.status !== undefined) {
    const { status, message = 'simulated failure', retryAfterSeconds } = fault;
    const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    return { world, reply: { ...replyFrom({ status, message }), headers } };
  }
  const after = step(worldUnder(fault, world), request);
  return { world: fault?.stale ? world : after.world, reply: after.reply };
};
