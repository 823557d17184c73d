import { EMPTY, Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { allKinds } from '../api/kinds.ts';
import type { TailscaleTailnet } from '../api/generated/tailscale.ts';
import type { Objects } from '../api/objects.ts';
import type { Observations } from '../api/observations.ts';
import { observing } from './observing.ts';
import type { SourceState } from './source.ts';

const none = Object.fromEntries(allKinds.map((kind) => [kind, new Map()])) as unknown as Objects;
const tailnet = { metadata: { name: 'corp' } } as unknown as TailscaleTailnet;
const stateWith = (objects: Partial<Objects>, synced = true): SourceState => ({
  objects: { ...none, ...objects },
  problems: [],
  health: { name: 'files', synced, lastRead: 0 },
});

const world = () => {
  const source = new Subject<SourceState>();
  const tailnets = new Subject<Observations['tailnets']>();
  const proxies = new Subject<Observations['proxies']>();
  const seen: SourceState[] = [];
  observing(source, { tailnets, proxies, sharedServices: EMPTY }).subscribe((state) => seen.push(state));
  proxies.next(new Map());
  return { source, tailnets, proxies, seen };
};
const named = { TailscaleTailnet: new Map([['/corp', tailnet]]) };
const heard: Observations['tailnets'] = new Map([['corp', { name: 'corp' }]]);

it('is synced with its source where no tailnet is named', () => {
  const { source, seen } = world();
  source.next(stateWith({}));
  expect(seen.map(({ health }) => health.synced)).toEqual([true]);
});

it('waits for every tailnet to be heard of, and gives what was heard', () => {
  const { source, tailnets, seen } = world();
  source.next(stateWith(named));
  tailnets.next(heard);
  expect(seen.map(({ health, observations }) => [health.synced, observations?.tailnets.size])).toEqual([
    [false, 0],
    [true, 1],
  ]);
});

it('does not wait for tailnets that come later', () => {
  const { source, seen } = world();
  source.next(stateWith({}));
  source.next(stateWith(named));
  expect(seen.map(({ health }) => health.synced)).toEqual([true, true]);
});

it('keeps observations as they are while only configuration changes', () => {
  const { source, tailnets, seen } = world();
  source.next(stateWith({}));
  tailnets.next(heard);
  source.next(stateWith(named));
  expect(seen[2]?.observations).toBe(seen[1]?.observations);
});

it('waits for proxies to be known', () => {
  const source = new Subject<SourceState>();
  const proxies = new Subject<Observations['proxies']>();
  const synced: boolean[] = [];
  observing(source, { tailnets: EMPTY, proxies, sharedServices: EMPTY }).subscribe(({ health }) => synced.push(health.synced));
  source.next(stateWith({}));
  proxies.next(new Map());
  expect(synced).toEqual([false, true]);
});
