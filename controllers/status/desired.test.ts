import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../src/lib/key.ts';
import type { Condition, ParentStatus, Status } from '../../src/model/status.ts';
import type { ObservedObject } from '../../src/sources/kubernetes/observed.ts';
import { isAboutAnother, type StatusWrite, statusWriteFor } from './desired.ts';

const controllerName = 'gateway.tailscale.com/tailplane';
const now = new Date('2026-05-05T12:00:00.700Z');
const text = '2026-05-05T12:00:00Z';
const earlier = '2026-01-01T00:00:00Z';

const condition = (type: string, fields: Partial<Condition> = {}): Condition => ({
  type,
  status: 'True',
  reason: type,
  message: 'fine',
  observedGeneration: 1,
  ...fields,
});

const timed = (type: string, fields: object = {}): object => ({ ...condition(type), lastTransitionTime: earlier, ...fields });

const parent = (name: string, conditions: readonly Condition[] = [condition('Accepted')]): ParentStatus => ({
  parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name },
  controllerName,
  conditions,
});

const entry = (name: string, controller: string, conditions: readonly object[] = [timed('Accepted')]): object => ({
  ...parent(name),
  controllerName: controller,
  conditions,
});

const foreign = (name: string): object => entry(name, 'example.com/other', [timed('Example')]);
const ours = (name: string, conditions?: readonly object[]): object => entry(name, controllerName, conditions);

const observedAs = (key: ObjectKey, status?: object): ObservedObject => ({
  key,
  apiVersion: 'gateway.networking.k8s.io/v1',
  uid: 'uid',
  resourceVersion: '1',
  generation: 1,
  status: status as ObservedObject['status'],
});

const route = (...parents: readonly ParentStatus[]): Status => ({ kind: 'HTTPRoute', parents });
const write = (wanted: Status | undefined, key: ObjectKey, status?: object): StatusWrite | undefined =>
  statusWriteFor(wanted, observedAs(key, status), controllerName, now);
const routeKey: ObjectKey = 'HTTPRoute/default/shop';
const gatewayKey: ObjectKey = 'Gateway/default/edge';

const gateway = (fields: Partial<Extract<Status, { kind: 'Gateway' }>> = {}): Status => ({
  kind: 'Gateway',
  conditions: [condition('Accepted'), condition('Programmed')],
  addresses: [{ type: 'IPAddress', value: '192.0.2.1' }],
  listeners: [{ name: 'http', attachedRoutes: 1, supportedKinds: [], conditions: [condition('Accepted')] }],
  attachedListenerSets: 0,
  ...fields,
});

describe('the status of one of our own kinds', () => {
  const tailnetKey: ObjectKey = 'TailscaleTailnet//corp';
  const endpointsKey: ObjectKey = 'TailscaleEndpoints/default/db';
  const tailnet = (fields: Extract<Status, { kind: 'TailscaleTailnet' }>['fields'], types = ['Ready', 'Authenticated']): Status => ({
    kind: 'TailscaleTailnet',
    conditions: types.map((type) => condition(type, { observedGeneration: 3 })),
    fields,
  });
  const device = (pod: string, tags: readonly string[]) => ({ statefulSetPod: pod, tags });

  it('says which generation it is about, beside its conditions', () => {
    expect(write(tailnet({ deviceCount: 2 }), tailnetKey)?.ours).toMatchObject({
      observedGeneration: 3,
      deviceCount: 2,
      conditions: [{ type: 'Ready' }, { type: 'Authenticated' }],
    });
  });

  it('takes back what it no longer says, conditions and fields, and leaves others’ conditions', () => {
    const standing = write(tailnet({ lastSyncTime: earlier }), tailnetKey)?.whole ?? {};
    const mixed = { ...standing, conditions: [...(standing['conditions'] as object[]), timed('example.com/Checked')] };
    expect(write(tailnet({}), tailnetKey, mixed)?.ours).not.toHaveProperty('lastSyncTime');
    const said = write(tailnet({ lastSyncTime: earlier }, ['Ready']), tailnetKey, mixed)?.whole['conditions'] as Condition[];
    expect(said.map(({ type }) => type)).toEqual(['Ready', 'example.com/Checked']);
  });

  it('stands in whatever order the API server gives its lists', () => {
    const wanted = (...devices: ReturnType<typeof device>[]): Status => ({
      kind: 'TailscaleEndpoints',
      conditions: [condition('Ready')],
      fields: { devices },
    });
    const one = wanted(device('db-egress-0', ['tag:a', 'tag:b']), device('db-egress-1', []));
    const said = write(one, endpointsKey)?.whole;
    expect(write(wanted(device('db-egress-1', []), device('db-egress-0', ['tag:b', 'tag:a'])), endpointsKey, said)).toBeUndefined();
    expect(write(wanted(device('db-egress-1', []), device('db-egress-0', ['tag:c'])), endpointsKey, said)).toBeDefined();
  });
});

describe('times of conditions', () => {
  it('stay while the status stays, whatever the message says', () => {
    const said = write(route(parent('edge', [condition('Accepted', { message: 'better' })])), routeKey, { parents: [ours('edge')] });
    expect(said?.ours).toEqual({ parents: [ours('edge', [timed('Accepted', { message: 'better' })])] });
  });

  it('are now, in seconds, when the status changes', () => {
    const said = write(route(parent('edge', [condition('Accepted', { status: 'False' })])), routeKey, { parents: [ours('edge')] });
    expect(said?.ours).toEqual({ parents: [ours('edge', [timed('Accepted', { status: 'False', lastTransitionTime: text })])] });
  });

  it('of another controller’s entry for the same parent do not count', () => {
    const said = write(route(parent('edge')), routeKey, { parents: [entry('edge', 'example.com/other')] });
    expect(said?.ours['parents']).toContainEqual(ours('edge', [timed('Accepted', { lastTransitionTime: text })]));
  });
});

describe('the list of parents', () => {
  it('keeps others’ entries as and where they are, ours in place, new ones last', () => {
    const said = write(route(parent('new'), parent('b', [condition('Accepted', { reason: 'Other' })])), routeKey, {
      parents: [foreign('a'), ours('b'), foreign('b'), ours('gone'), foreign('c')],
    });
    expect(said?.ours).toEqual({
      parents: [
        foreign('a'),
        ours('b', [timed('Accepted', { reason: 'Other' })]),
        foreign('b'),
        foreign('c'),
        ours('new', [timed('Accepted', { lastTransitionTime: text })]),
      ],
    });
  });

  it('loses our entries when the route is no longer ours, and none of others', () => {
    expect(write(undefined, routeKey, { parents: [ours('a'), foreign('b')] })?.ours).toEqual({ parents: [foreign('b')] });
    expect(write(undefined, routeKey, { parents: [foreign('b')] })).toBeUndefined();
    expect(write(undefined, routeKey)).toBeUndefined();
  });

  it('gives up ours where there is no room', () => {
    const full = { parents: Array.from({ length: 31 }, (_, index) => foreign(`p${index}`)) };
    expect(write(route(parent('a'), parent('b')), routeKey, full)?.ours['parents']).toHaveLength(32);
    const ancestors = Array.from({ length: 16 }, (_, index) => ({
      ancestorRef: { name: `a${index}` },
      controllerName: 'example.com/other',
    }));
    const policy: Status = {
      kind: 'BackendTLSPolicy',
      ancestors: [{ ancestorRef: parent('edge').parentRef, controllerName, conditions: [condition('Accepted')] }],
    };
    expect(write(policy, 'BackendTLSPolicy/default/tls', { ancestors })).toBeUndefined();
    expect(write(policy, 'BackendTLSPolicy/default/tls', { ancestors: ancestors.slice(1) })?.ours['ancestors']).toHaveLength(16);
  });

  it('tells parents apart by section and port', () => {
    const of = (fields: object): ParentStatus => ({ ...parent('edge'), parentRef: { ...parent('edge').parentRef, ...fields } });
    const said = write(route(of({ sectionName: 'a' }), of({ sectionName: 'b' }), of({ port: 80 }), of({})), routeKey);
    expect(said?.ours['parents']).toHaveLength(4);
  });
});

describe('the status of a Gateway', () => {
  it('leaves conditions of others alone, and drops ours that say nothing any more', () => {
    const said = write(gateway(), gatewayKey, {
      conditions: [timed('example.com/Audited'), timed('InsecureFrontendValidationMode'), timed('Accepted')],
    });
    expect(said?.ours['conditions']).toEqual([timed('Accepted'), timed('Programmed', { lastTransitionTime: text })]);
    expect(said?.whole['conditions']).toEqual([
      timed('Accepted'),
      timed('Programmed', { lastTransitionTime: text }),
      timed('example.com/Audited'),
    ]);
  });

  it('is not written for another order of conditions or listeners', () => {
    const two = gateway({ listeners: ['a', 'b'].map((name) => ({ name, attachedRoutes: 0, supportedKinds: [], conditions: [] })) });
    const first = write(two, gatewayKey);
    const { conditions, listeners, ...rest } = (first?.whole ?? {}) as { conditions: object[]; listeners: object[] };
    expect(write(two, gatewayKey, { ...rest, conditions: conditions.toReversed(), listeners: listeners.toReversed() })).toBeUndefined();
  });

  it('is written for another order of addresses', () => {
    const addresses = ['192.0.2.1', '192.0.2.2'].map((value) => ({ type: 'IPAddress', value }));
    const first = write(gateway({ addresses }), gatewayKey);
    expect(write(gateway({ addresses: addresses.toReversed() }), gatewayKey, first?.whole)?.whole['addresses']).toEqual(
      addresses.toReversed(),
    );
  });

  it('loses addresses and listeners that are gone', () => {
    const first = write(gateway({ attachedListenerSets: 2 }), gatewayKey);
    const second = write(gateway({ addresses: [], listeners: [] }), gatewayKey, first?.whole);
    expect(second?.ours).toMatchObject({ addresses: [], listeners: [], attachedListenerSets: 0 });
  });

  it('does not name fields that older CRDs lack while they say nothing', () => {
    expect(Object.keys(write(gateway(), gatewayKey)?.ours ?? {})).not.toContain('attachedListenerSets');
  });

  it('is left to whoever has it now when the Gateway is no longer ours', () => {
    expect(write(undefined, gatewayKey, { conditions: [timed('Accepted')] })).toBeUndefined();
  });

  it('keeps within what the CRD has room for', () => {
    const long = gateway({ conditions: [condition('Accepted', { message: '😀'.repeat(20_000) })] });
    const others = Array.from({ length: 7 }, (_, index) => timed(`example.com/C${index}`));
    const said = write(long, gatewayKey, { conditions: others })?.whole as { conditions: Condition[] };
    expect(said.conditions).toHaveLength(8);
    expect(said.conditions[0]?.message.length).toBeLessThanOrEqual(32_768);
    expect(write(gateway(), gatewayKey, { conditions: others })?.ours['conditions']).toHaveLength(1);
  });
});

it('supported features are sorted by name', () => {
  const said = write({ kind: 'GatewayClass', conditions: [], supportedFeatures: ['Tls', 'Http'] }, 'GatewayClass//tailplane');
  expect(said?.ours['supportedFeatures']).toEqual([{ name: 'Http' }, { name: 'Tls' }]);
});

it('an object of an earlier generation than the status is another object', () => {
  const late = route(parent('edge', [condition('Accepted', { observedGeneration: 2 })]));
  expect(isAboutAnother(late, observedAs(routeKey))).toBe(true);
  expect(isAboutAnother(route(parent('edge')), observedAs(routeKey))).toBe(false);
});

describe('for any statuses and whatever stands', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const type = fc.constantFrom('Accepted', 'ResolvedRefs', 'Programmed', 'OverlappingTLSConfig');
  const anyCondition = fc.record({
    type,
    status: fc.constantFrom<Condition['status']>('True', 'False', 'Unknown'),
    reason: fc.constantFrom('One', 'Two'),
    message: fc.constantFrom('', 'text'),
    observedGeneration: fc.constantFrom(1, 2),
  });
  const conditions = fc.uniqueArray(anyCondition, { selector: (one) => one.type, minLength: 1 });
  const standing = (types: fc.Arbitrary<string>): fc.Arbitrary<object[]> =>
    fc
      .uniqueArray(
        fc.record({
          type: types,
          status: fc.constantFrom('True', 'False'),
          reason: fc.constantFrom('One', 'Three'),
          message: fc.constant(''),
        }),
        { selector: (one) => one.type },
      )
      .map((list) => list.map((one) => ({ ...one, observedGeneration: 1, lastTransitionTime: earlier })));
  const anyRoute = fc
    .uniqueArray(fc.tuple(name, conditions), { selector: ([of]) => of })
    .map((parents) => route(...parents.map(([of, list]) => parent(of, list))));
  const anyEntry = fc.tuple(name, fc.boolean(), standing(type)).map(([of, mine, list]) => ({
    mine,
    entry: entry(of, mine ? controllerName : 'example.com/other', list),
  }));
  const listener = fc.tuple(name, conditions, fc.nat(3)).map(([of, list, attachedRoutes]) => ({
    name: of,
    attachedRoutes,
    supportedKinds: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' }],
    conditions: list,
  }));
  const anyGateway = fc.record({
    kind: fc.constant('Gateway' as const),
    conditions,
    addresses: fc.array(
      name.map((value) => ({ type: 'Hostname', value })),
      { maxLength: 3 },
    ),
    listeners: fc.uniqueArray(listener, { selector: (one) => one.name }),
    attachedListenerSets: fc.nat(2),
  });
  const mixed = standing(fc.oneof(type, fc.constantFrom('example.com/One', 'example.com/Two')));
  const standingGateway = fc.record(
    {
      conditions: mixed,
      listeners: fc.uniqueArray(fc.record({ name, attachedRoutes: fc.nat(3), conditions: mixed }), { selector: (one) => one.name }),
      addresses: fc.constant([{ type: 'Hostname', value: 'a' }]),
      attachedListenerSets: fc.nat(2),
    },
    { requiredKeys: [] },
  );

  it('what was written needs no second write', () => {
    fc.assert(
      fc.property(fc.option(anyRoute, { nil: undefined }), fc.array(anyEntry, { maxLength: 40 }), (wanted, entries) => {
        const parents = entries.slice(0, 32).map((one) => one.entry);
        const said = write(wanted, routeKey, { parents });
        expect(said && write(wanted, routeKey, said.whole)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(anyGateway, fc.option(standingGateway, { nil: undefined }), (wanted, status) => {
        const said = write(wanted, gatewayKey, status);
        expect(said && write(wanted, gatewayKey, { ...status, ...said.whole })).toBeUndefined();
      }),
    );
  });

  it('others’ entries survive, in their order', () => {
    fc.assert(
      fc.property(fc.option(anyRoute, { nil: undefined }), fc.array(anyEntry, { maxLength: 32 }), (wanted, entries) => {
        const said = write(wanted, routeKey, { parents: entries.map((one) => one.entry) });
        if (said === undefined) return;
        const others = (said.ours['parents'] as { controllerName: string }[]).filter((one) => one.controllerName !== controllerName);
        expect(others).toEqual(entries.filter(({ mine }) => !mine).map((one) => one.entry));
      }),
    );
  });

  it('others’ conditions survive, and are not claimed', () => {
    const isOthers = ({ type: of }: { type: string }): boolean => of.startsWith('example.com/');
    fc.assert(
      fc.property(anyGateway, standingGateway, (wanted, status) => {
        const said = write(wanted, gatewayKey, status);
        if (said === undefined) return;
        const { whole, ours: mine } = said as unknown as Record<'whole' | 'ours', { conditions: Condition[] }>;
        expect(whole.conditions.filter(isOthers)).toEqual(((status.conditions as Condition[] | undefined) ?? []).filter(isOthers));
        expect(mine.conditions.filter(isOthers)).toEqual([]);
      }),
    );
  });
});
