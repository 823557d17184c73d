import { BehaviorSubject, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SharedServices } from '../../test/support/shared-services.ts';
import { VirtualStage } from '../../test/support/virtual-stage.ts';
import type { ObservedProxies, ObservedVipService, TailnetState } from '../../src/api/observations.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import { servicesFrom } from '../../src/sources/tailnets/services.ts';
import { vipServicesController } from './controller.ts';
import { start, wishOf } from './fixtures.ts';

const tailnetNamed = (name: string, shared: SharedServices): TailnetState => ({
  name,
  known: {
    devices: new Map(),
    services: servicesFrom(shared.services, new Map()),
    suffix: 'tail.ts.net',
    lastSync: '2026-01-01T00:00:00Z',
  },
});

const setOf = (...served: readonly string[]): ObservedProxies => ({
  desired: 1,
  ready: 1,
  pods: [],
  served: new Map(served.map((service) => [service, new Map([[443, 20_000]])])),
});

const begin = (wishes: readonly VipServiceWish[], names = ['corp']) => {
  const stage = new VirtualStage(1);
  const shared = new SharedServices(stage, { slow: 0, failing: 0 }, () => undefined, []);
  const calls: string[] = [];
  const api = shared.apiFor({ name: 'east', isDead: () => false, called: (call) => calls.push(call) });
  const wishes$ = new BehaviorSubject(byKey(wishes));
  const tailnets$ = new BehaviorSubject(new Map(names.map((name) => [name, tailnetNamed(name, shared)])));
  const proxies$ = new BehaviorSubject<ReadonlyMap<string, ObservedProxies>>(new Map());
  const leading$ = new BehaviorSubject<AbortSignal | undefined>(undefined);
  let told: ReadonlyMap<string, ObservedVipService> | undefined;
  const subscription = vipServicesController({
    clusterName: 'east',
    wishes$,
    tailnets$,
    proxies$,
    clientOf: () => api,
    mayRelease: (_, service, proxies) => ![...proxies.values()].some(({ served }) => served?.has(service)),
    leading$,
    log: { info: () => undefined, warn: () => undefined },
    clock: { now: () => start + stage.elapsed, elapsed: () => stage.elapsed, random: stage.random, after: stage.after },
  }).subscribe((next) => (told = next));
  return {
    calls,
    shared,
    proxies$,
    leading$,
    told: () => told,
    want: (...next: readonly VipServiceWish[]) => wishes$.next(byKey(next)),
    listAgain: () => tailnets$.next(new Map(names.map((name) => [name, tailnetNamed(name, shared)]))),
    pass: (ms: number) => stage.runUntil(stage.elapsed + ms),
    end: () => subscription.unsubscribe(),
  };
};

const byKey = (wishes: readonly VipServiceWish[]) => new Map(wishes.map((wish) => [`${wish.tailnet}/${wish.name}`, wish]));

describe('vipServicesController', () => {
  it('calls nobody before it leads, nor after', async () => {
    const { calls, leading$, told, pass } = begin([wishOf()]);
    await pass(60_000);
    expect(calls).toEqual([]);
    const term = new AbortController();
    leading$.next(term.signal);
    await pass(60_000);
    expect(told()?.get('corp/svc:web')).toMatchObject({ addresses: ['100.110.0.1', 'fd7a:115c:a1e0::f:1'], consumers: ['east'] });
    const made = calls.length;
    term.abort();
    leading$.next(undefined);
    await pass(60 * 60_000);
    expect(calls).toHaveLength(made);
  });

  it('gives a service up only when no proxy leads to it any more', async () => {
    const { leading$, proxies$, shared, want, pass } = begin([wishOf()]);
    leading$.next(new AbortController().signal);
    await pass(30_000);
    proxies$.next(new Map([['default/edge-ingress', setOf('svc:web')]]));
    want();
    await pass(60_000);
    expect(shared.service('svc:web')).toBeDefined();
    proxies$.next(new Map([['default/edge-ingress', setOf()]]));
    await pass(60_000);
    expect(shared.service('svc:web')).toBeUndefined();
  });

  it('does not give up for one TailscaleTailnet what another one of the same tailnet wants', async () => {
    const { leading$, shared, listAgain, pass } = begin([wishOf()], ['corp', 'corp-too']);
    leading$.next(new AbortController().signal);
    await pass(30_000);
    listAgain();
    await pass(10 * 60_000);
    expect(shared.service('svc:web')).toBeDefined();
  });

  it('does nothing any more when nobody subscribes', async () => {
    const { leading$, calls, pass, end } = begin([wishOf()]);
    end();
    leading$.next(new AbortController().signal);
    await pass(60_000);
    expect(calls).toEqual([]);
  });

  it('works where nobody is elected', async () => {
    const stage = new VirtualStage(1);
    const shared = new SharedServices(stage, { slow: 0, failing: 0 }, () => undefined, []);
    const api = shared.apiFor({ name: 'standalone', isDead: () => false, called: () => undefined });
    const subscription = vipServicesController({
      clusterName: 'standalone',
      wishes$: of(byKey([wishOf({ sets: [] })])),
      tailnets$: of(new Map([['corp', tailnetNamed('corp', shared)]])),
      proxies$: of(new Map<string, ObservedProxies>()),
      clientOf: () => api,
      mayRelease: () => true,
      leading$: of(new AbortController().signal),
      log: { info: () => undefined, warn: () => undefined },
      clock: { now: () => start + stage.elapsed, elapsed: () => stage.elapsed, random: stage.random, after: stage.after },
    }).subscribe();
    await stage.runUntil(10_000);
    expect(shared.service('svc:web')?.annotations?.['gateway.tailscale.com/owner-operator']).toBe('tailplane-standalone');
    subscription.unsubscribe();
  });
});
