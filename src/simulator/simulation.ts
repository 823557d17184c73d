import type { Fault } from './faults.ts';
import type { Result } from '../lib/result.ts';
import type { Refusal } from './reply.ts';
import type { World } from './state.ts';

/** One call as it was answered; without status when its connection was dropped. `at` in milliseconds since 1970. Neither query nor body: they may hold secrets. */
export type CallRecord = { readonly method: string; readonly path: string; readonly status?: number; readonly at: number };

/** The world, how it misbehaves, and the latest calls to it. */
export type Simulation = {
  readonly world: World;
  readonly faults: readonly Fault[];
  readonly faultsMade: number;
  readonly calls: readonly CallRecord[];
};

/** An order to the simulation, routed. `now` in milliseconds since 1970. */
export type Order = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly now: number;
};

/** What an order did: the simulation afterwards where it changed, and what to answer. */
export type Done = Result<{ readonly simulation?: Simulation; readonly body?: unknown }, Refusal>;

export type ControlRoute = readonly [method: string, path: string, handler: (simulation: Simulation, order: Order) => Done];

export const simulationOf = (world: World): Simulation => ({ world, faults: [], faultsMade: 0, calls: [] });
