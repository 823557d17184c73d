import { nameSetOf } from '../../xds/ads/names.ts';
import { initialState, type Mode, type Response } from '../../xds/ads/state.ts';
import { step, type Outcome, type StreamEvent } from '../../xds/ads/step.ts';
import type { DeltaRequest, SotwRequest } from '../../xds/ads/subscribe.ts';
import { CDS, ECDS, EDS, LDS, RDS, SRDS } from '../../xds/ads/types.ts';
import { History } from '../../xds/snapshot/history.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { snapshot, type World } from './ads-world.ts';

/** One stream, driven by hand. The transport takes every response at once unless `slow`. */
export const stream = (mode: Mode, first?: Snapshot, history = new History()) => {
  if (first !== undefined) history.push(first);
  const state = initialState(mode, history, first);
  let rejected: Outcome['rejected'];
  let current = first;
  const feed = (event: StreamEvent): Response[] => {
    const outcome = step(state, event);
    rejected = outcome.rejected ?? rejected;
    return [...outcome.responses, ...(outcome.responses.length > 0 ? feed({ kind: 'drained' }) : [])];
  };
  const sotw = (request: Partial<Omit<SotwRequest, 'names'>> & { typeUrl: string; names?: readonly string[] }): Response[] =>
    feed({ kind: 'request', request: { nonce: '', version: '', ...request, names: nameSetOf(request.names ?? []) } });
  const delta = (
    request: Partial<Omit<DeltaRequest, 'initial'>> & { typeUrl: string; initial?: Readonly<Record<string, string>> },
  ): Response[] =>
    feed({
      kind: 'request',
      request: { nonce: '', subscribe: [], unsubscribe: [], ...request, initial: new Map(Object.entries(request.initial ?? {})) },
    });
  return {
    mode,
    state,
    feed,
    sotw,
    delta,
    publish: (world: World): Response[] => {
      current = snapshot(world, current);
      history.push(current);
      return feed({ kind: 'snapshot', snapshot: current });
    },
    ack: (response: Response | undefined, names: readonly string[] = []): Response[] => {
      const { typeUrl, nonce, version } = response ?? { typeUrl: '', nonce: '', version: '' };
      return mode === 'sotw' ? sotw({ typeUrl, nonce, version, names }) : delta({ typeUrl, nonce });
    },
    nack: (response: Response | undefined, error: string, names: readonly string[] = []): Response[] => {
      const { typeUrl, nonce } = response ?? { typeUrl: '', nonce: '' };
      return mode === 'sotw' ? sotw({ typeUrl, nonce, error, names }) : delta({ typeUrl, nonce, error });
    },
    rejected: () => rejected,
  };
};

const short = new Map([
  [CDS, 'CDS'],
  [EDS, 'EDS'],
  [ECDS, 'ECDS'],
  [SRDS, 'SRDS'],
  [LDS, 'LDS'],
  [RDS, 'RDS'],
]);
/** A response in one line: type, resources, and what is removed. */
export const told = (responses: readonly Response[]): string[] =>
  responses.map(({ typeUrl, resources, removed }) =>
    [short.get(typeUrl), ...resources.map(({ name }) => name).toSorted(), ...removed.toSorted().map((name) => `-${name}`)].join(' '),
  );

export type TestStream = ReturnType<typeof stream>;

/** A first request of a type; without names, for everything. */
export const ask = (client: TestStream, typeUrl: string, names: readonly string[] = []): Response[] =>
  client.mode === 'sotw' ? client.sotw({ typeUrl, names }) : client.delta({ typeUrl, subscribe: names });
