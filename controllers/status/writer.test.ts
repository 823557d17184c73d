import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, UnreachableError } from '../../src/kubernetes/api-error.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import type { Status } from '../../src/model/status.ts';
import { DecidedElection } from '../../test/support/election.ts';
import { KubeStatuses } from '../../test/support/kube-statuses.ts';
import type { Occurrence } from '../events/event.ts';
import type { StatusLimits } from './term.ts';
import { StatusWriter } from './writer.ts';

const controllerName = 'gateway.tailscale.com/tailplane';
const routeKey = (name: string): ObjectKey => `HTTPRoute/default/${name}`;
const gatewayKey: ObjectKey = 'Gateway/default/edge';

const condition = (message: string, generation = 1) =>
  ({ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration: generation }) as const;

const route = (message = 'fine', generation = 1): Status => ({
  kind: 'HTTPRoute',
  parents: [
    {
      parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
      controllerName,
      conditions: [condition(message, generation)],
    },
  ],
});

const gateway = (message = 'fine'): Status => ({
  kind: 'Gateway',
  conditions: [condition(message)],
  addresses: [],
  listeners: [],
  attachedListenerSets: 0,
});

const foreign = { parentRef: { name: 'other' }, controllerName: 'example.com/other', conditions: [] };

type World = {
  readonly server: KubeStatuses;
  readonly writer: StatusWriter;
  readonly election: DecidedElection;
  readonly told: Occurrence[];
  readonly logged: string[];
  readonly keys: () => readonly ObjectKey[];
  readonly messageOf: (name: string) => unknown;
};

const worlds: StatusWriter[] = [];

const world = ({ leading = true, limits = {} }: { leading?: boolean; limits?: Partial<StatusLimits> } = {}): World => {
  const server = new KubeStatuses();
  const election = new DecidedElection();
  election.lead(leading);
  const told: Occurrence[] = [];
  const logged: string[] = [];
  const log = (_: object, message: string): void => void logged.push(message);
  const writer = new StatusWriter({
    api: server.api,
    observed: server.observed,
    election,
    controllerName,
    now: () => new Date(),
    log: { info: log, warn: log },
    events: (occurrence) => void told.push(occurrence),
    limits,
  });
  worlds.push(writer);
  return {
    server,
    writer,
    election,
    told,
    logged,
    keys: () => server.requests.map(({ key }) => key),
    messageOf: (name) => {
      const parents = (server.statusOf(routeKey(name))?.['parents'] ?? []) as { conditions: { message: string }[] }[];
      return parents.at(-1)?.conditions[0]?.message;
    },
  };
};

/** Runs timers and what follows from them. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-05-05T12:00:00Z') }));
afterEach(() => {
  for (const writer of worlds.splice(0)) writer.stop();
  vi.useRealTimers();
});

describe('a status writer', () => {
  it('writes what differs, and then nothing', async () => {
    const { server, writer, keys } = world();
    server.put(gatewayKey);
    server.put(routeKey('a'));
    writer.want(
      new Map([
        [gatewayKey, gateway()],
        [routeKey('a'), route()],
      ]),
    );
    await pass(1_000_000);
    expect(keys()).toEqual([gatewayKey, routeKey('a')]);
    expect(writer.stats).toMatchObject({ written: 2, ready: 0, waiting: 0, writing: 0 });
    writer.want(
      new Map([
        [gatewayKey, gateway()],
        [routeKey('a'), route()],
      ]),
    );
    await pass(1_000_000);
    expect(keys()).toHaveLength(2);
  });

  it('does not write what stands when it starts', async () => {
    const first = world();
    first.server.put(routeKey('a'));
    first.writer.want(new Map([[routeKey('a'), route()]]));
    await pass(100);
    const second = world();
    second.server.put(routeKey('a'), first.server.statusOf(routeKey('a')));
    second.writer.want(new Map([[routeKey('a'), route()]]));
    await pass(100);
    expect(second.keys()).toEqual([]);
  });

  it('writes Gateways before routes', async () => {
    const { server, writer, keys } = world({ limits: { concurrency: 1 } });
    for (const key of [routeKey('a'), routeKey('b'), gatewayKey]) server.put(key);
    writer.want(
      new Map([
        [routeKey('a'), route()],
        [routeKey('b'), route()],
        [gatewayKey, gateway()],
      ]),
    );
    await pass(100);
    expect(keys()).toEqual([gatewayKey, routeKey('a'), routeKey('b')]);
  });

  it('has one write of an object under way, and then writes the newest status only', async () => {
    const { server, writer, keys, messageOf } = world();
    server.put(routeKey('a'));
    server.slow = true;
    for (const message of ['one', 'two', 'three']) writer.want(new Map([[routeKey('a'), route(message)]]));
    await pass(100);
    expect(keys()).toHaveLength(1);
    server.release();
    await pass(100);
    expect(keys()).toHaveLength(2);
    expect(messageOf('a')).toBe('three');
  });

  it('has no more writes under way than it may', async () => {
    const { server, writer, keys } = world({ limits: { concurrency: 3 } });
    const names = Array.from({ length: 20 }, (_, index) => routeKey(`r${index}`));
    for (const key of names) server.put(key);
    writer.want(new Map(names.map((key) => [key, route()])));
    await pass(1000);
    expect(server.mostAtOnce).toBe(3);
    expect(keys()).toHaveLength(20);
  });

  it('keeps to its rate', async () => {
    const { server, writer, keys } = world({ limits: { perSecond: 10, burst: 5 } });
    const names = Array.from({ length: 30 }, (_, index) => routeKey(`r${index}`));
    for (const key of names) server.put(key);
    writer.want(new Map(names.map((key) => [key, route()])));
    await pass(100);
    expect(keys().length).toBeLessThanOrEqual(6);
    await pass(1000);
    expect(keys().length).toBeLessThanOrEqual(16);
    await pass(2000);
    expect(keys()).toHaveLength(30);
  });

  it('writes an object that changes again and again less often, with the newest status, and holds up no other for it', async () => {
    const { server, writer, keys, messageOf } = world({ limits: { objectEveryMs: 1000, objectBurst: 3 } });
    for (const name of ['a', 'b']) server.put(routeKey(name));
    const want = (message: string): void =>
      writer.want(
        new Map([
          [routeKey('a'), route(message)],
          [routeKey('b'), route()],
        ]),
      );
    for (let change = 1; change <= 50; change += 1) {
      want(String(change));
      await pass(100);
      if (change === 3) expect(keys().toSorted()).toEqual(['a', 'a', 'a', 'b'].map(routeKey));
    }
    // Three at once, and one for each of the five seconds.
    expect(keys()).toHaveLength(1 + 3 + 5);
    await pass(1000);
    expect(messageOf('a')).toBe('50');
    await pass(5000);
    const before = keys().length;
    for (const message of ['x', 'y', 'z']) {
      want(message);
      await pass(10);
    }
    expect(keys()).toHaveLength(before + 3);
  });

  it('writes nothing for objects that do not exist, until they do', async () => {
    const { server, writer, keys } = world();
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(100);
    expect(keys()).toEqual([]);
    server.put(routeKey('a'));
    await pass(100);
    expect(keys()).toEqual([routeKey('a')]);
  });

  it('says nothing of a new object that is about an old one of that name', async () => {
    const { server, writer, keys } = world();
    server.put(routeKey('a'), undefined, 1);
    writer.want(new Map([[routeKey('a'), route('fine', 5)]]));
    await pass(100);
    expect(keys()).toEqual([]);
  });

  it('takes our entries from routes that are no longer ours, also such as it finds', async () => {
    const { server, writer } = world();
    const left = { parents: [{ ...foreign }, ...(route() as Extract<Status, { parents: unknown }>).parents] };
    const stood = {
      ...left,
      parents: left.parents.map((parent) => ({
        ...parent,
        conditions: [{ ...condition('x'), lastTransitionTime: '2026-01-01T00:00:00Z' }],
      })),
    };
    server.put(routeKey('found'), stood);
    server.put(routeKey('a'));
    server.put(routeKey('foreign'), { parents: [foreign] });
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(100);
    expect(server.statusOf(routeKey('found'))?.['parents']).toMatchObject([{ controllerName: 'example.com/other' }]);
    writer.want(new Map());
    await pass(100);
    expect(server.statusOf(routeKey('a'))?.['parents']).toEqual([]);
    expect(server.requests.filter(({ key }) => key === routeKey('foreign'))).toEqual([]);
  });

  it('does not look at what is the same object as before', async () => {
    const { server, writer } = world();
    const names = Array.from({ length: 1000 }, (_, index) => routeKey(`r${index}`));
    const statuses = new Map(names.map((key) => [key, route()]));
    for (const key of names) server.put(key, { parents: [] });
    writer.want(statuses);
    await pass(60_000);
    const get = vi.spyOn(server.observed, 'get');
    writer.want(new Map(statuses).set(routeKey('r7'), route('changed')));
    await pass(100);
    expect(new Set(get.mock.calls.map(([key]) => key))).toEqual(new Set([routeKey('r7')]));
    expect(server.requests).toHaveLength(1001);
  });
});

describe('while others write too', () => {
  it('repairs what somebody else overwrote, and leaves what is not ours', async () => {
    const { server, writer, messageOf } = world();
    server.put(routeKey('a'));
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(100);
    server.put(routeKey('a'), { parents: [foreign] });
    await pass(100);
    expect(server.statusOf(routeKey('a'))?.['parents']).toHaveLength(2);
    expect(messageOf('a')).toBe('fine');
    expect(writer.stats.written).toBe(2);
  });

  it('converges when a write meets a newer version', async () => {
    const { server, writer } = world();
    server.put(routeKey('a'));
    server.lagging = true;
    server.put(routeKey('a'), { parents: [foreign] });
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(1000);
    expect(writer.stats).toMatchObject({ written: 0, conflicts: 1 });
    server.catchUp();
    await pass(1000);
    expect(writer.stats).toMatchObject({ written: 1, conflicts: 1 });
    expect(server.statusOf(routeKey('a'))?.['parents']).toHaveLength(2);
  });

  it('writes on over its own last version before that is observed', async () => {
    const { server, writer, messageOf } = world();
    server.put(routeKey('a'));
    server.lagging = true;
    for (const message of ['one', 'two', 'three']) {
      writer.want(new Map([[routeKey('a'), route(message)]]));
      await pass(100);
    }
    expect(messageOf('a')).toBe('three');
    server.catchUp();
    await pass(1000);
    expect(writer.stats).toMatchObject({ written: 3, conflicts: 0 });
  });

  it('does not race with another controller that will not give in', async () => {
    const { server, writer, keys, logged } = world();
    server.put(routeKey('a'));
    writer.want(new Map([[routeKey('a'), route()]]));
    server.observed.changed$.subscribe((key) => {
      const parents = server.statusOf(key)?.['parents'];
      if (Array.isArray(parents) && parents.length > 0) setTimeout(() => server.put(key, { parents: [] }), 1);
    });
    await pass(60_000);
    expect(keys().length).toBeLessThan(12);
    expect(logged).toEqual([expect.stringContaining('somebody else writes over this status')]);
    writer.want(new Map([[routeKey('a'), route('news')]]));
    const before = keys().length;
    await pass(100);
    expect(keys().length).toBeGreaterThan(before);
  });

  it('removes from lists that are ours what another field manager left there', async () => {
    const { server, writer } = world();
    const left = { ...condition('left'), type: 'ResolvedRefs', lastTransitionTime: '2026-01-01T00:00:00Z' };
    server.put(gatewayKey, { conditions: [left, { ...left, type: 'example.com/Audited' }] });
    writer.want(new Map([[gatewayKey, gateway()]]));
    await pass(10_000);
    const { conditions } = server.statusOf(gatewayKey) as { conditions: { type: string }[] };
    const types = conditions.map(({ type }) => type);
    expect(types.toSorted()).toEqual(['Accepted', 'example.com/Audited']);
    expect(server.requests.map(({ contentType }) => contentType)).toEqual(['application/apply-patch+yaml', 'application/merge-patch+json']);
  });

  it('writes what an older CRD knows of a status, once', async () => {
    const { server, writer } = world();
    server.put('GatewayClass//ours');
    server.unknownField = 'supportedFeatures';
    const status: Status = { kind: 'GatewayClass', conditions: [condition('fine')], supportedFeatures: ['Gateway'] };
    writer.want(new Map([['GatewayClass//ours', status]]));
    await pass(3_600_000);
    expect(Object.keys(server.statusOf('GatewayClass//ours') ?? {})).toEqual(['conditions']);
    expect(server.requests).toHaveLength(2);
  });
});

describe('what goes wrong', () => {
  const forbidden = new ApiError('PATCH', 403, { reason: 'Forbidden' });
  const invalid = new ApiError('PATCH', 422, { reason: 'Invalid', message: 'no' });

  it('a refused status is reported once, and tried again when it or its object changes', async () => {
    const { server, writer, logged, keys, messageOf } = world();
    server.put(routeKey('a'));
    server.put(routeKey('b'));
    server.refusals.set(routeKey('a'), invalid);
    writer.want(
      new Map([
        [routeKey('a'), route()],
        [routeKey('b'), route()],
      ]),
    );
    await pass(60_000);
    expect(keys()).toEqual([routeKey('a'), routeKey('b')]);
    server.put(routeKey('a'), undefined);
    await pass(1_000);
    writer.want(
      new Map([
        [routeKey('a'), route('other')],
        [routeKey('b'), route()],
      ]),
    );
    await pass(1_000);
    expect(keys().filter((key) => key === routeKey('a'))).toHaveLength(3);
    expect(logged).toEqual(['the API server refuses a status']);
    expect(writer.stats).toMatchObject({ refused: 3, written: 1 });
    server.refusals.clear();
    await pass(300_000);
    expect(messageOf('a')).toBe('other');
  });

  it('a kind and namespace that may not be written is tried once in a while with one object, and others go on', async () => {
    const { server, writer, logged, keys } = world({ limits: { concurrency: 1 } });
    const names = Array.from({ length: 50 }, (_, index) => routeKey(`r${index}`));
    for (const key of [...names, gatewayKey]) server.put(key);
    for (const key of names) server.refusals.set(key, forbidden);
    writer.want(new Map([...names.map((key): [ObjectKey, Status] => [key, route()]), [gatewayKey, gateway()]]));
    await pass(50_000);
    expect(keys()).toEqual([gatewayKey, names[0]]);
    expect(logged).toEqual(['statuses of this kind and namespace may not be written']);
    await pass(60_000);
    expect(keys()).toHaveLength(3);
    expect(logged).toHaveLength(1);
    server.refusals.clear();
    await pass(120_000);
    expect(writer.stats.written).toBe(51);
  });

  it('an object that is deleted while it is written is forgotten', async () => {
    const { server, writer, logged } = world();
    server.put(routeKey('a'));
    server.slow = true;
    writer.want(new Map([[routeKey('a'), route()]]));
    server.remove(routeKey('a'));
    server.release();
    await pass(600_000);
    expect(server.requests).toHaveLength(1);
    expect(writer.stats).toMatchObject({ ready: 0, waiting: 0, writing: 0, refused: 0, failed: 0 });
    expect(logged).toEqual([]);
  });

  it('an object that is not there any more, though it is still observed, is left alone', async () => {
    const { server, writer, keys } = world();
    server.put(routeKey('a'));
    server.lagging = true;
    server.remove(routeKey('a'));
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(20_000);
    expect(keys()).toHaveLength(1);
  });

  it('an outage as long as many writes at once take to fail is a short one', async () => {
    const { server, writer } = world({ limits: { concurrency: 8 } });
    const names = Array.from({ length: 8 }, (_, index) => routeKey(`r${index}`));
    for (const key of names) {
      server.put(key);
      server.refusals.set(key, new UnreachableError('PATCH', new Error('refused')));
    }
    writer.want(new Map(names.map((key) => [key, route()])));
    await pass(100);
    server.refusals.clear();
    await pass(300);
    expect(writer.stats).toMatchObject({ written: 8, failed: 8 });
  });

  it('while the API server is away, all wait together and tell it once', async () => {
    const { server, writer, logged, keys } = world();
    const names = Array.from({ length: 100 }, (_, index) => routeKey(`r${index}`));
    for (const key of names) {
      server.put(key);
      server.refusals.set(key, new UnreachableError('PATCH', new Error('refused')));
    }
    writer.want(new Map(names.map((key) => [key, route()])));
    await pass(60_000);
    expect(keys().length).toBeLessThan(100);
    expect(logged).toEqual(['statuses wait for the API server']);
    server.refusals.clear();
    await pass(20_000);
    expect(writer.stats).toMatchObject({ written: 100, ready: 0, waiting: 0 });
  });

  it('an API server that asks for time gets it', async () => {
    const { server, writer, keys } = world();
    server.put(routeKey('a'));
    server.refusals.set(routeKey('a'), new ApiError('PATCH', 429, { details: { retryAfterSeconds: 20 } }));
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(19_000);
    expect(keys()).toHaveLength(1);
    await pass(2_000);
    expect(keys()).toHaveLength(2);
  });

  it('an object whose writes fail does not hold up others', async () => {
    const { server, writer, messageOf } = world();
    server.put(routeKey('a'));
    server.put(routeKey('b'));
    server.refusals.set(routeKey('a'), new ApiError('PATCH', 500, { message: 'failed calling webhook' }));
    writer.want(
      new Map([
        [routeKey('a'), route()],
        [routeKey('b'), route()],
      ]),
    );
    await pass(100);
    expect(messageOf('b')).toBe('fine');
    await pass(10_000);
    expect(writer.stats.failed).toBeLessThan(10);
    server.refusals.clear();
    // No wait between two tries is longer.
    await pass(60_000);
    expect(messageOf('a')).toBe('fine');
  });
});

it('a writer that is stopped breaks off what it writes', async () => {
  const { server, writer } = world();
  server.put(routeKey('a'));
  server.slow = true;
  writer.want(new Map([[routeKey('a'), route()]]));
  writer.stop();
  await pass(10);
  expect(server.underWay).toBe(0);
});

describe('leading', () => {
  it('nothing is written before', async () => {
    const { server, writer, election, keys } = world({ leading: false });
    server.put(routeKey('a'));
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(1000);
    expect(keys()).toEqual([]);
    election.lead(true);
    await pass(1000);
    expect(keys()).toEqual([routeKey('a')]);
  });

  it('a leader that does not know the statuses yet takes nothing away', async () => {
    const { server, keys } = world();
    server.put(routeKey('a'), {
      parents: [{ ...foreign, controllerName, conditions: [{ ...condition('x'), lastTransitionTime: '2026-01-01T00:00:00Z' }] }],
    });
    await pass(1000);
    expect(keys()).toEqual([]);
  });

  it('is asked for before each write, for when the news of its loss is late', async () => {
    const { server, writer, election, keys } = world();
    server.put(routeKey('a'));
    vi.spyOn(election, 'isLeading', 'get').mockReturnValue(false);
    writer.want(new Map([[routeKey('a'), route()]]));
    await pass(1000);
    expect(keys()).toEqual([]);
  });

  it('losing it breaks off what is under way, and begins nothing more; regaining it compares everything', async () => {
    const { server, writer, election, keys, messageOf } = world({ limits: { concurrency: 2 } });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) server.put(routeKey(name));
    server.slow = true;
    writer.want(new Map(names.map((name) => [routeKey(name), route()])));
    election.lead(false);
    server.release();
    await pass(100_000);
    expect(keys()).toHaveLength(2);
    expect(writer.stats).toMatchObject({ written: 0, failed: 0, ready: 0, waiting: 0 });
    election.lead(true);
    await pass(1000);
    expect(names.map(messageOf)).toEqual(['fine', 'fine', 'fine', 'fine']);
  });
});

describe('what is told of a write', () => {
  const failing = (): Status => ({ ...gateway(), conditions: [{ ...condition('no'), status: 'False', reason: 'Invalid' }] }) as Status;

  it('is trouble that came and went, once it is written', async () => {
    const { server, writer, told } = world();
    server.put(gatewayKey);
    writer.want(new Map([[gatewayKey, failing()]]));
    await pass(100);
    writer.want(new Map([[gatewayKey, gateway()]]));
    await pass(100);
    expect(told.map(({ type, reason }) => `${type} ${reason}`)).toEqual(['Warning Invalid', 'Normal Accepted']);
  });

  it('is nothing for trouble that stood before a restart', async () => {
    const before = world();
    before.server.put(gatewayKey);
    before.writer.want(new Map([[gatewayKey, failing()]]));
    await pass(100);
    const after = world();
    after.server.put(gatewayKey, { ...before.server.statusOf(gatewayKey), addresses: [{ type: 'IPAddress', value: '192.0.2.1' }] });
    after.writer.want(new Map([[gatewayKey, failing()]]));
    await pass(100);
    expect(after.writer.stats.written).toBe(1);
    expect(after.told).toEqual([]);
  });
});
