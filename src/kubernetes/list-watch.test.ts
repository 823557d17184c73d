import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeApiServer } from '../../test/support/fake-api-server.ts';
import { ApiError, UnreachableError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { listWatch, type ListWatchEvent, type Selection } from './list-watch.ts';
import { pathOf, type Resource } from './resource.ts';

const services: Resource = { group: '', version: 'v1', kind: 'Service', plural: 'services', scope: 'Namespaced' };
const path = pathOf(services);
const named = (name: string, fields: object = {}) => ({ metadata: { name, namespace: 'web', ...fields } });

/** Time that passes only when somebody waits for it, and then at once. */
class TestClock implements Clock {
  readonly waited: number[] = [];
  time = 0;
  readonly now = (): number => this.time;
  readonly random = (): number => 0;
  readonly wait = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.waited.push(ms);
    this.time += ms;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  };
}

type Event = ListWatchEvent<string>;

const told: Event[] = [];
let waiting: { readonly until: (events: readonly Event[]) => boolean; readonly resolve: () => void } | undefined;
let stop = (): void => undefined;

const start = (api: FakeApiServer, selection: Partial<Selection> = {}): TestClock => {
  const clock = new TestClock();
  const subscription = listWatch(
    { api, resource: services, clock, ...selection },
    ({ metadata }) => metadata.resourceVersion ?? '',
  ).subscribe((event) => {
    told.push(event);
    if (waiting?.until(told) === true) waiting.resolve();
  });
  stop = () => subscription.unsubscribe();
  return clock;
};

const until = async (holds: (events: readonly Event[]) => boolean): Promise<void> => {
  if (holds(told)) return;
  await new Promise<void>((resolve) => (waiting = { until: holds, resolve }));
};
const untilTold = async (type: Event['type'], times = 1): Promise<void> =>
  until((events) => events.filter((event) => event.type === type).length >= times);
const untilWatching = async (api: FakeApiServer, times: number): Promise<void> => {
  while (api.asked.filter(({ isWatch }) => isWatch).length < times) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
};
const types = (): readonly string[] => told.map(({ type }) => type);
const listed = (): readonly (readonly string[])[] => told.flatMap((event) => (event.type === 'listed' ? [[...event.objects.keys()]] : []));

afterEach(() => {
  stop();
  told.length = 0;
  waiting = undefined;
});

describe('a list', () => {
  it('is told once, when its last page is read', async () => {
    const api = new FakeApiServer([services]);
    for (let index = 0; index < 1100; index += 1) api.put(services, named(`s${index}`));
    start(api);
    await untilTold('listed');
    expect(listed()[0]).toHaveLength(1100);
    expect(api.asked.filter(({ isWatch }) => !isWatch)).toHaveLength(3);
    expect(types()).toEqual(['listed']);
  });

  it('is not told at all when a page in the middle fails, and is read again from the start', async () => {
    const api = new FakeApiServer([services]);
    for (let index = 0; index < 600; index += 1) api.put(services, named(`s${index}`));
    let faults = 0;
    api.fault = ({ query }) =>
      query?.['continue'] !== undefined && (faults += 1) === 1 ? new UnreachableError('GET', new Error('x')) : undefined;
    start(api);
    await untilTold('listed');
    expect(types()).toEqual(['failed', 'listed']);
    expect(listed()[0]).toHaveLength(600);
    expect(api.asked.filter(({ isWatch }) => !isWatch).map(({ query }) => query?.['continue'])).toEqual([
      undefined,
      '500',
      undefined,
      '500',
    ]);
  });

  it('names what keeps it from being read, and waits longer each time, up to ten seconds', async () => {
    const api = new FakeApiServer([services]);
    let faults = 0;
    api.fault = () => ((faults += 1) <= 8 ? new ApiError('GET', 403, { message: 'services is forbidden' }) : undefined);
    const clock = start(api);
    await untilTold('listed');
    expect(told[0]).toMatchObject({
      type: 'failed',
      at: 'list',
      failure: { cause: 'forbidden', message: 'forbidden: services is forbidden' },
    });
    expect(clock.waited).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('waits as long as the server asks for', async () => {
    const api = new FakeApiServer([services]);
    let faults = 0;
    api.fault = () => ((faults += 1) === 1 ? new ApiError('GET', 429, { details: { retryAfterSeconds: 7 } }) : undefined);
    const clock = start(api);
    await untilTold('listed');
    expect(clock.waited).toEqual([7000]);
  });

  it('that is no list is a failure, and not an empty one', async () => {
    const api = new FakeApiServer([services]);
    const answers = [{ kind: 'Status' }, null, 'proxy error'];
    const { request } = api;
    Object.assign(api, {
      request: async (asked: Parameters<typeof request>[0]) => (answers.length > 0 ? answers.shift() : request(asked)),
    });
    start(api);
    await untilTold('listed');
    expect(types()).toEqual(['failed', 'failed', 'failed', 'listed']);
  });

  it('asks for what is selected, and for metadata only where that is enough', async () => {
    const api = new FakeApiServer([services]);
    start(api, { namespace: 'web', labelSelector: 'app=a', fieldSelector: 'metadata.name=b', metadataOnly: true });
    await untilTold('listed');
    expect(api.asked[0]).toMatchObject({
      path: '/api/v1/namespaces/web/services',
      query: { limit: 500, labelSelector: 'app=a', fieldSelector: 'metadata.name=b' },
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    });
  });
});

describe('a watch', () => {
  it('tells what is stored and what goes', async () => {
    const api = new FakeApiServer([services]);
    start(api);
    await untilWatching(api, 1);
    api.put(services, named('a'));
    api.put(services, named('a'));
    api.remove(services, 'web', 'a');
    await untilTold('gone');
    expect(told.slice(1)).toEqual([
      { type: 'stored', key: 'web/a', object: '101' },
      { type: 'stored', key: 'web/a', object: '102' },
      { type: 'gone', key: 'web/a' },
    ]);
  });

  it('that ends is taken up from the last version it named, bookmarks included, without a list', async () => {
    const api = new FakeApiServer([services]);
    start(api);
    await untilWatching(api, 1);
    api.put(services, named('a'));
    api.say(path, { type: 'BOOKMARK', object: { metadata: { resourceVersion: '140' } } });
    api.endWatches(path);
    await untilWatching(api, 2);
    expect(types()).toEqual(['listed', 'stored', 'heard']);
    expect(api.asked.map(({ isWatch }) => isWatch)).toEqual([false, true, true]);
    expect(api.asked[2]?.query).toMatchObject({ resourceVersion: '140', allowWatchBookmarks: true });
  });

  it('that ends at once without a word, over and over, is taken up once a second', async () => {
    const api = new FakeApiServer([services]);
    const clock = start(api);
    for (let times = 1; times <= 5; times += 1) {
      await untilWatching(api, times);
      api.endWatches(path);
    }
    await untilWatching(api, 6);
    expect(clock.waited).toEqual([1000, 1000, 1000, 1000, 1000]);
    expect(types()).toEqual(['listed']);
  });

  it('that stands without a word counts as heard after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const api = new FakeApiServer([services]);
    start(api);
    await untilWatching(api, 1);
    vi.advanceTimersByTime(9999);
    expect(types()).toEqual(['listed']);
    vi.advanceTimersByTime(1);
    expect(types()).toEqual(['listed', 'heard']);
    vi.useRealTimers();
  });

  it('too old to go on from is followed by a list', async () => {
    const api = new FakeApiServer([services]);
    start(api);
    await untilWatching(api, 1);
    api.endWatches(path, new UnreachableError('GET', new Error('reset')));
    api.put(services, named('a'));
    await untilTold('listed', 2);
    expect(types()).toEqual(['listed', 'broke', 'listed']);
    api.put(services, named('b'));
    await untilTold('stored');
    api.say(path, { type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    await untilTold('listed', 3);
    expect(types()).toEqual(['listed', 'broke', 'listed', 'stored', 'broke', 'listed']);
    expect(listed().at(-1)).toEqual(['web/a', 'web/b']);
  });

  it.each([
    ['an error', { type: 'ERROR', object: { code: 500, message: 'etcd' } }, 'the API server answers 500: etcd'],
    ['what is no event', 'nonsense', 'names an object without metadata'],
    ['an object without a version', { type: 'ADDED', object: { metadata: { name: 'a' } } }, 'names no resourceVersion'],
  ])('that says %s is a failure that is named, and a list follows', async (_, line, message) => {
    const api = new FakeApiServer([services]);
    start(api);
    await untilWatching(api, 1);
    api.say(path, line);
    await untilTold('listed', 2);
    expect(told[1]).toMatchObject({ type: 'failed', at: 'watch', failure: { message: expect.stringContaining(message) } });
  });

  it('that is refused after every list lists ever more rarely', async () => {
    const api = new FakeApiServer([services]);
    api.fault = (_, isWatch) => (isWatch ? new ApiError('GET', 403, {}) : undefined);
    const clock = start(api);
    await untilTold('listed', 8);
    expect(clock.waited.slice(0, 7)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000]);
  });
});

describe('objects', () => {
  it('arrive with the kind that lists leave out, and without field managers and what kubectl applied', async () => {
    const api = new FakeApiServer([services]);
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', a: 'b' };
    api.put(services, { ...named('a', { annotations, managedFields: [{ manager: 'kubectl' }] }) });
    const { request } = api;
    Object.assign(api, {
      request: async (asked: Parameters<typeof request>[0]) => {
        const { items, ...rest } = (await request(asked)) as { readonly items: readonly object[] };
        return { ...rest, items: items.map((item) => ({ ...item, apiVersion: undefined, kind: undefined })) };
      },
    });
    const arrived = await new Promise((resolve) => {
      const subscription = listWatch({ api, resource: services, clock: new TestClock() }, (object) => object).subscribe((event) => {
        if (event.type === 'listed') resolve(event.objects.get('web/a'));
      });
      stop = () => subscription.unsubscribe();
    });
    expect(arrived).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', namespace: 'web', uid: 'uid-a', resourceVersion: '101', annotations: { a: 'b' } },
    });
  });

  it('are asked for no more once nobody listens', async () => {
    const api = new FakeApiServer([services]);
    const clock = start(api);
    await untilWatching(api, 1);
    stop();
    api.put(services, named('a'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(types()).toEqual(['listed']);
    expect(clock.waited).toHaveLength(0);
    expect(api.asked).toHaveLength(2);
  });
});
