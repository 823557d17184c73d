import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, UnreachableError } from '../../src/kubernetes/api-error.ts';
import type { ApiRequest } from '../../src/kubernetes/api-server.ts';
import { DecidedElection } from '../../test/support/election.ts';
import type { Occurrence } from './event.ts';
import { type EventLimits, EventRecorder } from './recorder.ts';

const about = (name: string, note = 'because'): Occurrence => ({
  regarding: { key: `HTTPRoute/default/${name}`, apiVersion: 'gateway.networking.k8s.io/v1', uid: `uid-${name}` },
  type: 'Warning',
  reason: 'Invalid',
  note,
});

const recorders: EventRecorder[] = [];

/** A recorder, and an API server that answers with `refusal` while there is one. */
const world = (limits: Partial<EventLimits> = {}) => {
  const election = new DecidedElection();
  election.lead(true);
  const server: { refusal?: Error; readonly sent: string[] } = { sent: [] };
  const logged: string[] = [];
  const log = (_: object, message: string): void => void logged.push(message);
  const recorder = new EventRecorder({
    api: {
      url: 'https://memory',
      request: async ({ method, path, body, signal }: ApiRequest) => {
        const { series, regarding } = body as { series?: { count: number }; regarding?: { name: string } };
        server.sent.push([method, path.split('/').at(-1), regarding?.name, series?.count].filter((part) => part !== undefined).join(' '));
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (signal?.aborted === true) throw new UnreachableError('POST', signal.reason);
        if (server.refusal !== undefined) throw server.refusal;
        return { metadata: { name: `event-${server.sent.length}` } };
      },
      stream: () => Promise.reject(new Error('unreachable: nobody watches')),
    },
    reporter: { controllerName: 'gateway.tailscale.com/tailplane', instance: 'tailplane-0' },
    election,
    now: () => new Date(),
    log: { info: log, warn: log },
    limits,
  });
  recorders.push(recorder);
  return { server, recorder, logged, election };
};

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-05-05T12:00:00Z') }));
afterEach(() => {
  for (const recorder of recorders.splice(0)) recorder.stop();
  vi.useRealTimers();
});

describe('a recorder of Events', () => {
  it('tells the same again by a count', async () => {
    const { server, recorder } = world();
    recorder.record(about('a'));
    await pass(10);
    recorder.record(about('a'));
    recorder.record(about('b'));
    await pass(10);
    expect(server.sent).toEqual(['POST events a', 'PATCH event-1 2', 'POST events b']);
  });

  it('counts what comes while it is busy, and tells it once', async () => {
    const { server, recorder } = world();
    for (let times = 0; times < 5; times++) recorder.record(about('a'));
    await pass(10);
    expect(server.sent).toEqual(['POST events a', 'PATCH event-1 5']);
  });

  it('begins a new Event after a long peace, and when the old one is gone', async () => {
    const { server, recorder } = world({ seriesMs: 60_000 });
    recorder.record(about('a'));
    await pass(61_000);
    recorder.record(about('a'));
    await pass(10);
    expect(server.sent).toEqual(['POST events a', 'POST events a']);
    server.refusal = new ApiError('PATCH', 404, { reason: 'NotFound' });
    recorder.record(about('a'));
    await pass(1);
    delete server.refusal;
    await pass(1000);
    expect(server.sent.slice(2)).toEqual(['PATCH event-2 2', 'POST events a']);
  });

  it('keeps to its rate, and drops what it has no room for', async () => {
    const { server, recorder } = world({ perSecond: 1, burst: 2, queue: 5 });
    for (let index = 0; index < 20; index++) recorder.record(about(`r${index}`));
    await pass(100);
    expect(server.sent.length).toBeLessThanOrEqual(3);
    await pass(20_000);
    expect(server.sent).toHaveLength(6);
    expect(recorder.stats).toEqual({ told: 6, dropped: 14, queued: 0 });
  });

  it('forgets what it told longest ago, rather than remember without end', async () => {
    const { server, recorder } = world({ queue: 3 });
    for (const name of ['a', 'b', 'c', 'd', 'a', 'd']) {
      recorder.record(about(name));
      await pass(10);
    }
    expect(server.sent.slice(4)).toEqual(['POST events a', 'PATCH event-4 2']);
  });

  it('waits while the API server is away', async () => {
    const { server, recorder, logged } = world();
    server.refusal = new UnreachableError('POST', new Error('refused'));
    recorder.record(about('a'));
    await pass(60_000);
    expect(server.sent.length).toBeLessThan(10);
    delete server.refusal;
    await pass(60_000);
    expect(recorder.stats).toEqual({ told: 1, dropped: 0, queued: 0 });
    expect(logged).toEqual([]);
  });

  it('drops what is refused, and says so once', async () => {
    const { server, recorder, logged } = world();
    server.refusal = new ApiError('POST', 403, { reason: 'Forbidden' });
    for (const name of ['a', 'b', 'c']) recorder.record(about(name));
    await pass(1000);
    expect(logged).toEqual(['Events are refused']);
    expect(recorder.stats).toEqual({ told: 0, dropped: 3, queued: 0 });
  });

  it('tells nothing unless it leads, nor afterwards what was left', async () => {
    const { server, recorder, election } = world({ perSecond: 1, burst: 1 });
    recorder.record(about('a'));
    recorder.record(about('b'));
    election.lead(false);
    recorder.record(about('c'));
    await pass(10_000);
    election.lead(true);
    await pass(10_000);
    expect(server.sent).toEqual(['POST events a']);
    expect(recorder.stats).toMatchObject({ told: 0, queued: 0 });
  });
});
