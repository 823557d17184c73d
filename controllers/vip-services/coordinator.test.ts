import { describe, expect, it } from 'vitest';
import { SharedServices } from '../../test/support/shared-services.ts';
import { VirtualStage } from '../../test/support/virtual-stage.ts';
import type { ObservedVipService } from '../../src/api/observations.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import { servicesFrom } from '../../src/sources/tailnets/services.ts';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import { Coordinator, type Facts, type ServicesApi } from './coordinator.ts';
import { addrs, officialService, ownerReferencesOf, registryOf, selfOf, start, wishOf } from './fixtures.ts';

const minute = 60_000;

/** One cluster on a tailnet that has `services` to begin with. */
const clusterOn = (
  services: readonly VipService[],
  wanted: readonly VipServiceWish[],
  api: (real: ServicesApi) => Partial<ServicesApi> = () => ({}),
) => {
  const stage = new VirtualStage(1);
  const calls: string[] = [];
  const shared = new SharedServices(stage, { slow: 0, failing: 0 }, () => undefined, services);
  const real = shared.apiFor({ name: 'east', isDead: () => false, called: (call) => calls.push(call) });
  let listed: Facts['services'] = new Map();
  const list = () => (listed = servicesFrom(shared.services, listed ?? new Map()));
  const warned: string[] = [];
  let facts: Facts = {
    wishes: new Map(wanted.map((wish) => [wish.name, wish])),
    services: list(),
    isWell: true,
    leads: () => true,
    machineOf: () => undefined,
    hostsOf: () => [],
    mayRelease: () => true,
  };
  const coordinator = new Coordinator(
    {
      tailnet: 'corp',
      self: selfOf('east'),
      api: () => ({ ...real, ...api(real) }),
      clock: { now: () => start + stage.elapsed, elapsed: () => stage.elapsed, random: stage.random, after: stage.after },
      changed: () => undefined,
      failed: (_, { reason }) => warned.push(reason),
    },
    facts,
  );
  const know = (more: Partial<Facts>): void => {
    facts = { ...facts, ...more };
    coordinator.update(facts);
  };
  const discover = (): void => {
    know({ ...(facts.isWell && { services: list() }) });
    stage.after(150_000, discover);
  };
  stage.after(150_000, discover);
  return {
    calls,
    warned,
    shared,
    service: (name = 'svc:web') => shared.service(name),
    told: (name = 'svc:web'): ObservedVipService | undefined => coordinator.told.get(name),
    want: (...wishes: readonly VipServiceWish[]): void => {
      facts = { ...facts, wishes: new Map(wishes.map((wish) => [wish.name, wish])) };
      coordinator.update(facts);
    },
    know,
    list,
    pass: (ms: number) => stage.runUntil(stage.elapsed + ms),
  };
};

const withRegistry = (text: string): VipService =>
  officialService({ annotations: { ...officialService().annotations, 'gateway.tailscale.com/service-registry': text } });

describe('Coordinator', () => {
  it('makes a service in three calls, tells its addresses, writes these down when it looks again, and looks once more', async () => {
    const { calls, service, told, pass } = clusterOn([], [wishOf()]);
    await pass(5000);
    expect(calls).toEqual(['vipService', 'putVipService', 'vipService']);
    expect(told()).toEqual({
      addresses: ['100.110.0.1', 'fd7a:115c:a1e0::f:1'],
      ports: ['tcp:443'],
      tags: ['tag:k8s'],
      owner: 'tailplane-east',
      consumers: ['east'],
      hosts: new Map(),
    });
    expect(registryOf(service())).toMatchObject({ vipAddresses: [] });
    await pass(minute);
    expect(registryOf(service())).toMatchObject({ vipAddresses: ['100.110.0.1', 'fd7a:115c:a1e0::f:1'] });
    expect(calls.slice(3)).toEqual(['vipService', 'putVipService', 'vipService', 'vipService']);
    await pass(5 * minute);
    expect(calls).toHaveLength(7);
  });

  it('asks nothing of a service that is as it should be, and says every twelve minutes that it lives', async () => {
    const names = ['svc:a', 'svc:b', 'svc:c'];
    const { calls, shared, know, list, pass } = clusterOn(
      [],
      names.map((name) => wishOf({ name, comment: 'ours' })),
    );
    await pass(5 * minute);
    know({ services: list() });
    const before = calls.length;
    await pass(60 * minute);
    expect(calls.length - before).toBeLessThanOrEqual(12);
    expect(calls.length - before).toBeGreaterThanOrEqual(8);
    expect(registryOf(shared.service('svc:a'))['lastUpdated']).not.toBe(registryOf(shared.service('svc:b'))['lastUpdated']);
  });

  it('deletes what nobody wants any more, a while after it left', async () => {
    const { want, service, pass, calls } = clusterOn([], [wishOf()]);
    await pass(minute);
    want();
    await pass(15_000);
    expect(registryOf(service())).toMatchObject({ consumers: {} });
    await pass(15_000);
    expect(service()).toBeUndefined();
    expect(calls.filter((call) => call === 'deleteVipService')).toHaveLength(1);
  });

  it('gives up after a restart what it made and nobody wants', async () => {
    const first = clusterOn([], [wishOf()]);
    await first.pass(minute);
    const left = first.service();
    const { service, pass } = clusterOn(left === undefined ? [] : [left], []);
    await pass(2 * minute);
    expect(service()).toBeUndefined();
  });

  it('does not give up what something still leads to', async () => {
    const { want, know, service, pass } = clusterOn([], [wishOf()]);
    await pass(minute);
    know({ mayRelease: () => false });
    want();
    await pass(10 * minute);
    expect(registryOf(service())).toMatchObject({ consumers: { east: {} } });
    know({ mayRelease: () => true });
    await pass(minute);
    expect(service()).toBeUndefined();
  });

  it('renames by making the new one first', async () => {
    const { want, shared, pass } = clusterOn([], [wishOf()]);
    await pass(minute);
    want(wishOf({ name: 'svc:new' }));
    await pass(50);
    expect(registryOf(shared.service('svc:web'))).toMatchObject({ consumers: { east: {} } });
    await pass(minute);
    expect(shared.services.map(({ name }) => name)).toEqual(['svc:new']);
  });

  it('does nothing without leading, and tells what there is', async () => {
    const { calls, told, know, pass } = clusterOn([officialService()], [wishOf()]);
    know({ leads: () => false });
    await pass(100);
    const made = calls.length;
    await pass(10 * minute);
    expect(calls.length).toBe(made);
    expect(told()?.addresses).toEqual(addrs);
  });

  it('takes back part in a service that somebody’s older view took it out of', async () => {
    const { know, list, service, shared, pass } = clusterOn([officialService({ tags: ['tag:k8s'] })], [wishOf()]);
    await pass(minute);
    expect(ownerReferencesOf(service())).toContain('tailplane-east');
    know({ services: list() });
    const other = shared.apiFor({ name: 'n1', isDead: () => false, called: () => undefined });
    const overwriting = other.putVipService(officialService({ tags: ['tag:k8s'] }));
    await pass(1000);
    await overwriting;
    know({ services: list() });
    await pass(10_000);
    expect(ownerReferencesOf(service())).toContain('tailplane-east');
  });

  it.each([
    ['Web_1', 'InvalidName'],
    ['svc:-web', 'InvalidName'],
    [`svc:${'a'.repeat(64)}`, 'InvalidName'],
  ])('refuses the name %s without a call', async (name, reason) => {
    const { calls, told, pass } = clusterOn([], [wishOf({ name })]);
    await pass(10 * minute);
    expect(told(name)?.failure).toMatchObject({ reason, message: expect.stringContaining('63 lower-case letters') });
    expect(calls).toEqual([]);
  });

  it('makes a service whose name has all 63 characters', async () => {
    const name = `svc:${'a'.repeat(63)}`;
    const { told, pass } = clusterOn([], [wishOf({ name })]);
    await pass(minute);
    expect(told(name)?.addresses).toHaveLength(2);
  });

  it('tells of a machine that has the name, known from discovery or refused by the API', async () => {
    const known = clusterOn([], [wishOf()]);
    known.know({ machineOf: () => 'web.tail.ts.net' });
    await known.pass(100);
    expect(known.told()?.failure).toEqual({
      reason: 'NameTaken',
      message: 'svc:web cannot be made: machine web.tail.ts.net has that name in the tailnet. Rename one of the two',
    });
    // The simulated tailnet has a machine of that name.
    const refused = clusterOn([], [wishOf({ name: 'svc:demo' })]);
    await refused.pass(60 * minute);
    expect(refused.told('svc:demo')?.failure).toMatchObject({
      reason: 'NameTaken',
      message: expect.stringContaining('is the name of a machine'),
    });
    expect(refused.calls.length).toBeLessThan(25);
    expect(refused.warned).toEqual(['NameTaken']);
  });

  it('tells of tags that are not owned, with what the policy lacks', async () => {
    const { told, pass } = clusterOn([], [wishOf({ tags: ['tag:stranger'] })]);
    await pass(5000);
    expect(told()?.failure).toMatchObject({ reason: 'TagsNotOwned', message: expect.stringContaining('"tagOwners": {"tag:stranger"') });
  });

  it('tells of tags of others that are not ours to keep', async () => {
    const { told, pass } = clusterOn([officialService()], [wishOf()]);
    await pass(5000);
    expect(told()?.failure).toMatchObject({ reason: 'TagsNotOwned', message: expect.stringContaining('tag:theirs') });
  });

  it.each([
    ['without owner references', officialService({ annotations: {} }), 'NotShared'],
    ['with a registry that is garbage', withRegistry('{'), 'RegistryInvalid'],
    [
      'with a registry of a schema to come',
      officialService({ annotations: { ...officialService().annotations, 'gateway.tailscale.com/schema-version': 'v2' } }),
      'RegistryNewer',
    ],
  ])('leaves a service %s alone, and says so without a call', async (_, before, reason) => {
    const { calls, service, told, want, pass } = clusterOn([before], [wishOf()]);
    await pass(10 * minute);
    expect(told()?.failure).toMatchObject({ reason });
    want();
    await pass(60 * minute);
    expect(service()).toEqual(before);
    expect(calls).toEqual([]);
  });

  it('finds its way when the API fails between two steps', async () => {
    let puts = 0;
    const { told, warned, pass } = clusterOn([], [wishOf()], (real) => ({
      putVipService: async (service, timely) => {
        await real.putVipService(service, timely);
        puts += 1;
        // It is done, and nobody hears of it.
        if (puts === 1) throw new TailscaleApiError({ call: 'putVipService', kind: 'unreachable', status: 0, said: 'no answer' });
      },
    }));
    await pass(minute);
    expect(told()?.consumers).toEqual(['east']);
    // The other one is of addresses.
    expect([puts, warned]).toEqual([2, []]);
  });

  it('tells of an API that goes on failing, asks it more and more rarely, and recovers at once with the tailnet', async () => {
    let isDown = true;
    const down = async (): Promise<never> => {
      throw new TailscaleApiError({ call: 'vipService', kind: 'server', status: 500, said: 'broken' });
    };
    let asked = 0;
    const { told, know, pass } = clusterOn([], [wishOf()], (real) => ({
      vipService: (name) => {
        asked += 1;
        return isDown ? down() : real.vipService(name);
      },
    }));
    know({ isWell: false });
    await pass(60 * minute);
    expect(told()?.failure).toMatchObject({ reason: 'ApiUnreachable', message: expect.stringContaining('It is tried again') });
    expect(asked).toBeLessThan(20);
    isDown = false;
    know({ isWell: true });
    await pass(2000);
    expect(told()).not.toHaveProperty('failure');
  });

  it('counts nobody out for what its clock says, nor in an outage of its own', async () => {
    const west = { cluster: 'west', operator: 'tailplane-west', routes: [], lastSeen: '2001-01-01T00:00:00Z' };
    const service = officialService({
      tags: ['tag:k8s'],
      annotations: {
        'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"tailplane-west"}]}',
        'gateway.tailscale.com/service-registry': JSON.stringify({ ownerOperator: 'tailplane-west', consumers: { west } }),
      },
    });
    const { told, know, list, pass } = clusterOn([service], [wishOf()]);
    await pass(20 * minute);
    expect(told()?.consumers).toEqual(['east', 'west']);
    know({ isWell: false });
    await pass(120 * minute);
    know({ isWell: true, services: list() });
    await pass(5 * minute);
    expect(told()?.consumers).toEqual(['east', 'west']);
    await pass(20 * minute);
    expect(told()?.consumers).toEqual(['east']);
  });
});
