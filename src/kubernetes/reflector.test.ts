import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeApiServer } from '../../test/support/fake-api-server.ts';
import { UnreachableError } from './api-error.ts';
import { type Clock, systemClock } from './clock.ts';
import { reflect, type Reflection } from './reflector.ts';
import { pathOf, type Resource } from './resource.ts';

const services: Resource = { group: '', version: 'v1', kind: 'Service', plural: 'services', scope: 'Namespaced' };
const path = pathOf(services);
const named = (name: string) => ({ metadata: { name, namespace: 'web' } });
/** Waits less long than it should, and longer than changes are gathered for. */
const clock: Clock = { ...systemClock, wait: async () => sleep(20) };

const subscriptions: Subscription[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
});

const reflecting = (api: FakeApiServer) => {
  const told: Reflection[] = [];
  let wake = (): void => undefined;
  const subscription = reflect({ api, resource: services, clock }).subscribe((reflection) => {
    told.push(reflection);
    wake();
  });
  subscriptions.push(subscription);
  const next = async (count: number): Promise<Reflection> => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return told[count - 1] as Reflection;
  };
  return { told, next };
};

describe('a reflection', () => {
  it('tells everything that comes together as one new map, and keeps the maps it told before as they were', async () => {
    const api = new FakeApiServer([services]);
    api.put(services, named('a'));
    const { told, next } = reflecting(api);
    const first = await next(1);
    expect([...first.objects.keys()]).toEqual(['web/a']);
    api.put(services, named('b'));
    api.put(services, named('c'));
    api.remove(services, 'web', 'a');
    const second = await next(2);
    expect([...second.objects.keys()]).toEqual(['web/b', 'web/c']);
    expect([...first.objects.keys()]).toEqual(['web/a']);
    expect(told).toHaveLength(2);
  });

  it('keeps objects of the same version, and the map where all are, over a new list', async () => {
    const api = new FakeApiServer([services]);
    api.put(services, named('a'));
    api.put(services, named('b'));
    const { next } = reflecting(api);
    const first = await next(1);
    // A fault that lasts for one list, so that there is something to tell.
    let faults = 0;
    api.fault = (_, isWatch) => (!isWatch && (faults += 1) === 1 ? new UnreachableError('GET', new Error('x')) : undefined);
    api.endWatches(path, new UnreachableError('GET', new Error('x')));
    const failing = await next(2);
    expect(failing).toMatchObject({ objects: first.objects, health: { synced: true, failure: { cause: 'unreachable' } } });
    const again = await next(3);
    expect(again.health.failure).toBeUndefined();
    expect(again.objects).toBe(first.objects);
    api.put(services, named('b'));
    const changed = await next(4);
    expect(changed.objects.get('web/a')).toBe(first.objects.get('web/a'));
    expect(changed.objects.get('web/b')).not.toBe(first.objects.get('web/b'));
  });

  it('is empty and not synced while nothing could be read yet, and says why', async () => {
    const api = new FakeApiServer([services]);
    api.fault = () => new UnreachableError('GET', Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }));
    const { next } = reflecting(api);
    const { objects, health } = await next(1);
    expect(objects.size).toBe(0);
    expect(health).toMatchObject({ synced: false, failure: { cause: 'certificate', message: expect.stringContaining('SELF_SIGNED') } });
  });
});
