import fc from 'fast-check';
import { BehaviorSubject, type Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { simulatedSecret, tailnetObjects, tailnetOf } from '../../../test/support/followed-tailnets.ts';
import type { TailnetState } from '../../api/observations.ts';
import { TailscaleApiError } from '../../tailscale/api-error.ts';
import type { TailscaleClient } from '../../tailscale/client.ts';
import { tailnetsSource } from './tailnets-source.ts';

const start = Date.UTC(2026, 0, 1);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const machine = {
  nodeId: 'n1',
  name: 'web.tail1234.ts.net',
  hostname: 'web',
  addresses: ['100.64.0.1'],
  tags: [],
  user: 'ann',
  authorized: true,
  isExternal: false,
  connectedToControl: true,
  keyExpiryDisabled: false,
  expires: '',
  lastSeen: '',
  created: '',
  clientVersion: '',
  os: '',
  advertisedRoutes: [],
  enabledRoutes: [],
};
const down = new TailscaleApiError({ call: 'devices', kind: 'unreachable', status: 0, said: 'ECONNREFUSED' });

/** An API as functions, with what each call found: time, list, and whether it was answered. Time is virtual throughout. */
const world = (random: () => number = Math.random) => {
  const api = {
    devices: async () => [machine],
    vipServices: async () => [] as never[],
    users: async () => [] as never[],
    policyGroups: async () => ({ 'group:dev': ['Ann'] }),
  };
  const calls: { readonly at: number; readonly name: keyof typeof api }[] = [];
  const called = <N extends keyof typeof api>(name: N): ReturnType<(typeof api)[N]> => {
    calls.push({ at: Date.now() - start, name });
    return api[name]() as ReturnType<(typeof api)[N]>;
  };
  const client = {
    devices: () => called('devices'),
    vipServices: () => called('vipServices'),
    users: () => called('users'),
    policyGroups: () => called('policyGroups'),
    close: () => undefined,
  };
  const objects$ = new BehaviorSubject(tailnetObjects([tailnetOf('corp')], [simulatedSecret('corp')]));
  const source = tailnetsSource(objects$, {
    ownNamespace: 'tailplane-system',
    userAgent: 'test',
    random,
    clientFor: () => client as unknown as TailscaleClient,
  });
  const seen: (TailnetState | undefined)[] = [];
  subscription = source.tailnets$.subscribe((states) => seen.push(states.get('corp')));
  return { api, calls, source, seen, last: () => seen.at(-1) };
};
let subscription: Subscription;
beforeEach(() => {
  vi.useFakeTimers({ now: start });
});
afterEach(() => {
  subscription.unsubscribe();
  vi.useRealTimers();
});

const gaps = (times: readonly number[]): readonly number[] => times.slice(1).map((at, index) => at - (times[index] ?? 0));

describe('in a quiet hour', () => {
  it('a tailnet takes no more than two calls a minute, with one for a token, and machines are asked for every 40 s', async () => {
    const { calls } = world();
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(calls.length + 1).toBeLessThanOrEqual(120);
    for (const [name, period] of [
      ['devices', 40_000],
      ['vipServices', 200_000],
      ['policyGroups', 900_000],
    ] as const)
      for (const gap of gaps(calls.filter((call) => call.name === name).map(({ at }) => at))) {
        expect(gap).toBeGreaterThanOrEqual(period * 0.9 - 1);
        expect(gap).toBeLessThanOrEqual(period * 1.1 + 1);
      }
  });

  it('a tailnet is told anew every five minutes at most, with the same machines', async () => {
    const { seen } = world();
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(seen.length).toBeLessThanOrEqual(2 + 12);
    expect(new Set(seen.slice(1).map((state) => state?.known?.devices)).size).toBe(1);
  });
});

describe('while the API is down for an hour', () => {
  it('what was known stands with its trouble and its age, the API is asked ever more rarely, and all is well within ten minutes after', async () => {
    const { api, calls, seen, last, source } = world();
    await vi.advanceTimersByTimeAsync(minuteMs);
    const { known } = last() ?? {};
    const [devices, vipServices] = [api.devices, api.vipServices];
    api.devices = api.vipServices = () => Promise.reject(down);
    const [before, saidBefore] = [calls.length, seen.length];
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(last()?.known).toBe(known);
    expect(last()?.trouble).toMatchObject({ kind: 'unreachable', message: 'https://api.tailscale.com gives no answer (ECONNREFUSED)' });
    expect(Date.parse(last()?.trouble?.since ?? '')).toBeLessThanOrEqual(start + 2 * minuteMs + 5000);
    expect(source.health()[0]?.lastRead).toBeLessThanOrEqual(start + minuteMs);
    expect(calls.length - before).toBeLessThan(80);
    expect(seen.length - saidBefore).toBe(1);
    [api.devices, api.vipServices] = [devices, vipServices];
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(last()).not.toHaveProperty('trouble');
    expect(last()?.known?.devices).toBe(known?.devices);
    expect(source.health()[0]?.lastRead).toBeGreaterThan(start + hourMs);
  });

  it('what was known counts as old only after another', async () => {
    const { api, last } = world();
    await vi.advanceTimersByTimeAsync(minuteMs);
    api.devices = api.vipServices = () => Promise.reject(down);
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(last()?.trouble).not.toHaveProperty('lasting');
    await vi.advanceTimersByTimeAsync(hourMs + 20 * minuteMs);
    expect(last()).toMatchObject({ known: expect.anything(), trouble: { lasting: true } });
  });

  it('peers are known by what was known for two hours after machines were listed last, to the second, and then no more', async () => {
    const { api, calls, last } = world();
    await vi.advanceTimersByTimeAsync(minuteMs);
    const { devices } = api;
    const listedAt = start + Math.max(...calls.filter(({ name }) => name === 'devices').map(({ at }) => at));
    api.devices = () => Promise.reject(down);
    await vi.advanceTimersByTimeAsync(listedAt + 2 * hourMs - 1000 - Date.now());
    expect(last()?.trouble).not.toHaveProperty('anonymous');
    await vi.advanceTimersByTimeAsync(1000);
    expect(last()).toMatchObject({ known: expect.anything(), trouble: { anonymous: true } });
    api.devices = devices;
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(last()).not.toHaveProperty('trouble');
  });

  it('groups are known for two hours more, and then no more', async () => {
    const { api, last } = world();
    await vi.advanceTimersByTimeAsync(minuteMs);
    const { policyGroups } = api;
    api.policyGroups = () => Promise.reject(down);
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(last()?.known?.groups).toEqual(new Map([['group:dev', ['ann']]]));
    expect(last()).not.toHaveProperty('trouble');
    await vi.advanceTimersByTimeAsync(hourMs + 20 * minuteMs);
    expect(last()?.known).not.toHaveProperty('groups');
    api.policyGroups = policyGroups;
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(last()?.known?.groups?.size).toBe(1);
  });

  it('all lists are well again as soon as one is', async () => {
    const { api, calls, last } = world(() => 0.99);
    const { devices, vipServices, users, policyGroups } = api;
    const broken = () => Promise.reject(down);
    Object.assign(api, { devices: broken, vipServices: broken, users: broken, policyGroups: broken });
    await vi.advanceTimersByTimeAsync(hourMs);
    Object.assign(api, { devices, vipServices, users, policyGroups });
    const before = calls.length;
    while (calls.length === before) await vi.advanceTimersByTimeAsync(1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(new Set(calls.slice(before).map(({ name }) => name)).size).toBe(4);
    expect(last()).not.toHaveProperty('trouble');
  });

  it('keys expire nevertheless', async () => {
    const { api, last } = world();
    api.devices = async () => [{ ...machine, expires: '2026-01-01T00:30:00Z' }];
    await vi.advanceTimersByTimeAsync(minuteMs);
    api.devices = api.vipServices = () => Promise.reject(down);
    await vi.advanceTimersByTimeAsync(29 * minuteMs - 1);
    expect(last()?.known?.devices.get('n1')?.usable).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(last()?.known?.devices.get('n1')).toMatchObject({ usable: false, expired: true, connected: true });
  });

  it('from the start, that is told, and what comes later is told then', async () => {
    const { api, seen } = world();
    const devices = api.devices;
    api.devices = () => Promise.reject(down);
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.at(-1)).toEqual({ name: 'corp', trouble: expect.objectContaining({ kind: 'unreachable' }) });
    api.devices = devices;
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(seen.at(-1)?.known?.devices.size).toBe(1);
  });
});

it('says after ten seconds that an API says nothing at all', async () => {
  const { api, seen } = world();
  api.vipServices = () => new Promise(() => undefined);
  await vi.advanceTimersByTimeAsync(9999);
  expect(seen).toEqual([undefined]);
  await vi.advanceTimersByTimeAsync(1);
  expect(seen.at(-1)?.trouble).toMatchObject({ kind: 'unreachable', message: 'https://api.tailscale.com has not answered for 10 s' });
});

it.each([true, false])('leaves the API alone for as long as it wants, with both lists, also if somebody asks: %j', async (somebodyAsks) => {
  const { api, calls, source } = world();
  await vi.advanceTimersByTimeAsync(minuteMs);
  const retryAfterMs = 20 * minuteMs;
  api.devices = () =>
    Promise.reject(new TailscaleApiError({ call: 'devices', kind: 'rate-limited', status: 429, said: 'slow down', retryAfterMs }));
  await vi.advanceTimersByTimeAsync(minuteMs);
  const refusedAt = calls.findLast(({ name }) => name === 'devices')?.at ?? 0;
  const askedBefore = calls.length;
  if (somebodyAsks) source.refresh();
  await vi.advanceTimersByTimeAsync(refusedAt + retryAfterMs - (Date.now() - start) - 1);
  expect(calls).toHaveLength(askedBefore);
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(calls.length).toBeGreaterThan(askedBefore);
});

describe('who people are', () => {
  const refused = new TailscaleApiError({ call: 'users', kind: 'scopes', status: 403, said: 'not yours' });

  it('is no trouble of the tailnet where the credentials may not read it, and is then absent', async () => {
    const { api, last } = world();
    const refuse = () => Promise.reject(refused);
    Object.assign(api, { users: refuse, policyGroups: refuse });
    await vi.advanceTimersByTimeAsync(0);
    expect(last()).not.toHaveProperty('trouble');
    expect(last()?.known?.devices.size).toBe(1);
    expect(last()?.known).not.toHaveProperty('groups');
    expect(last()?.known).not.toHaveProperty('displayNames');
  });

  it('is waited for before anything is said of a tailnet, but not for long', async () => {
    const { api, last } = world();
    api.policyGroups = () => Promise.withResolvers<never>().promise;
    await vi.advanceTimersByTimeAsync(4999);
    expect(last()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(last()?.known?.devices.size).toBe(1);
  });
});

describe('a refresh', () => {
  it('asks at once, but not more often than every five seconds', async () => {
    const { calls, source } = world();
    await vi.advanceTimersByTimeAsync(20_000);
    const before = calls.length;
    source.refresh('corp');
    await vi.advanceTimersByTimeAsync(0);
    expect(calls.length - before).toBe(2);
    for (let second = 0; second < 10; second += 1) {
      source.refresh();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(calls.length - before).toBeLessThanOrEqual(2 * 3);
  });

  it('of another tailnet asks nothing', async () => {
    const { calls, source } = world();
    await vi.advanceTimersByTimeAsync(20_000);
    const before = calls.length;
    source.refresh('other');
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toHaveLength(before);
  });

  it('while an answer is under way asks once more after it, as that may be older than the wish', async () => {
    const { api, calls, source } = world();
    const answer = Promise.withResolvers<(typeof machine)[]>();
    api.devices = () => answer.promise;
    await vi.advanceTimersByTimeAsync(8000);
    source.refresh();
    answer.resolve([machine]);
    await vi.advanceTimersByTimeAsync(0);
    expect(calls.filter(({ name }) => name === 'devices')).toHaveLength(2);
  });
});

it('never waits for less than five seconds, nor for more than ten minutes, however it fails and whatever chance says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), async (chance) => {
      const { api, calls } = world(() => chance.next().value ?? 0);
      api.devices = api.vipServices = () => Promise.reject(down);
      await vi.advanceTimersByTimeAsync(2 * hourMs);
      const times = calls.filter(({ name }) => name === 'devices').map(({ at }) => at);
      expect(Math.min(...gaps(times))).toBeGreaterThanOrEqual(5000);
      expect(Math.max(...gaps(times))).toBeLessThanOrEqual(10 * minuteMs + 1);
      subscription.unsubscribe();
    }),
    { numRuns: 10 },
  );
});
