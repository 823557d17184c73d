import type { Subscription } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeApiServer } from '../../test/support/fake-api-server.ts';
import type { KindInfo } from '../api/kinds.ts';
import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { discover, type Discovery } from './discovery.ts';
import type { Resource } from './resource.ts';

const kinds: readonly KindInfo[] = [
  { kind: 'Service', group: '', versions: ['v1'], plural: 'services', scope: 'Namespaced' },
  { kind: 'TLSRoute', group: 'gateway.networking.k8s.io', versions: ['v1', 'v1alpha2'], plural: 'tlsroutes', scope: 'Namespaced' },
  { kind: 'HTTPRoute', group: 'gateway.networking.k8s.io', versions: ['v1'], plural: 'httproutes', scope: 'Namespaced' },
];
const resource = (kind: string, version: string): Resource => {
  const info = kinds.find((candidate) => candidate.kind === kind);
  if (info === undefined) throw new Error(kind);
  return { ...info, version };
};
const definitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  scope: 'Cluster',
};
const service = resource('Service', 'v1');
const route = resource('HTTPRoute', 'v1');

const subscriptions: Subscription[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
});

/** Discovery, and a clock that moves on by what is waited for only while `run` is true. */
const discovering = (api: FakeApiServer) => {
  const told: Discovery[] = [];
  let wake = (): void => undefined;
  let time = 0;
  const state = { isRunning: true, waited: [] as number[] };
  const clock: Clock = {
    now: () => time,
    random: () => 0,
    wait: async (ms, signal) => {
      state.waited.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
      while (!state.isRunning && !signal.aborted) await new Promise((resolve) => setImmediate(resolve));
      time += ms;
    },
  };
  subscriptions.push(
    discover({ api, kinds, clock, pollMs: 15_000, goneAfterMs: 10_000 }).subscribe((discovery) => {
      told.push(discovery);
      wake();
    }),
  );
  const next = async (count: number): Promise<Discovery> => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return told[count - 1] as Discovery;
  };
  return { next, state, now: () => time };
};

const versions = ({ served }: Discovery): readonly string[] => [...(served ?? [])].map(([kind, { version }]) => `${kind} ${version}`);

describe('discovery', () => {
  it('names each kind that is served, in the first of our versions that is', async () => {
    const { next } = discovering(new FakeApiServer([service, route, resource('TLSRoute', 'v1alpha2')]));
    expect(versions(await next(1))).toEqual(['Service v1', 'TLSRoute v1alpha2', 'HTTPRoute v1']);
  });

  it('takes a kind up when it comes, and a better version when that comes', async () => {
    const api = new FakeApiServer([service, route]);
    const { next } = discovering(api);
    await next(1);
    api.serve([service, route, resource('TLSRoute', 'v1alpha2')]);
    expect(versions(await next(2))).toContain('TLSRoute v1alpha2');
    api.serve([service, route, resource('TLSRoute', 'v1alpha2'), resource('TLSRoute', 'v1')]);
    expect(versions(await next(3))).toContain('TLSRoute v1');
  });

  it('looks as soon as a definition changes', async () => {
    const api = new FakeApiServer([service, route, definitions]);
    const { next, state } = discovering(api);
    await next(1);
    while (!state.waited.includes(15_000) || !api.asked.some(({ isWatch }) => isWatch))
      await new Promise((resolve) => setImmediate(resolve));
    state.isRunning = false;
    api.serve([service, route, definitions, resource('TLSRoute', 'v1')]);
    api.put(definitions, { metadata: { name: 'tlsroutes' } });
    expect(versions(await next(2))).toContain('TLSRoute v1');
  });

  it('believes that a kind is gone only after a while', async () => {
    const api = new FakeApiServer([service, route]);
    const { next, now } = discovering(api);
    await next(1);
    api.serve([service]);
    const before = now();
    expect(versions(await next(2))).toEqual(['Service v1']);
    expect(now() - before).toBeGreaterThanOrEqual(10_000);
  });

  it('doubts for a moment after its start that a whole group does not exist', async () => {
    const api = new FakeApiServer([service]);
    const { next } = discovering(api);
    setImmediate(() => api.serve([service, route]));
    expect(versions(await next(1))).toEqual(['Service v1', 'HTTPRoute v1']);
  });

  it('does without the Gateway API where it does not exist', async () => {
    const { next, now } = discovering(new FakeApiServer([service]));
    expect(versions(await next(1))).toEqual(['Service v1']);
    expect(now()).toBeGreaterThanOrEqual(2000);
  });

  it('keeps what it knew while it cannot look, and says why', async () => {
    const api = new FakeApiServer([service, route]);
    const { next } = discovering(api);
    const first = await next(1);
    api.fault = () => new ApiError('GET', 503, { message: 'starting' });
    expect(await next(2)).toEqual({
      served: first.served,
      failure: { cause: 'answered', message: 'the API server answers 503: starting' },
    });
    api.fault = () => undefined;
    expect(await next(3)).toEqual({ served: first.served });
  });
});
