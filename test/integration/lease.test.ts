import { filter, firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Elector, identityOf, type LeaseNews } from '../../controllers/runtime/lease.ts';
import { UnreachableError } from '../../src/kubernetes/api-error.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

/** Shortened, in the proportions of what we run with. */
const times = { durationMs: 3000, renewMs: 2000, retryMs: 400 };

/** An API server that can be made slow, or cut off, for one client only. */
class Line implements ApiServer {
  delayMs = 0;
  cut = false;
  readonly #api: ApiServer;
  constructor(api: ApiServer) {
    this.#api = api;
  }
  get url(): string {
    return this.#api.url;
  }
  readonly request: ApiServer['request'] = async (request) => {
    if (this.cut) throw new UnreachableError(`${request.method ?? 'GET'} ${request.path}`, new Error('cut'));
    const limit = AbortSignal.timeout(request.timeoutMs ?? 30_000);
    const late = new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const timedOut = new Promise<never>((_, reject) =>
      limit.addEventListener('abort', () => reject(new UnreachableError(request.path, limit.reason))),
    );
    await Promise.race([late, timedOut]);
    return Promise.race([this.#api.request(request), timedOut]);
  };
  readonly stream: ApiServer['stream'] = (request, line) => this.#api.stream(request, line);
}

describe.skipIf(!hasApiServer)('leader election, against a real API server', () => {
  let server: TestApiServer;
  const open: Elector[] = [];
  beforeAll(async () => {
    server = await startApiServer({ crds: false });
  });
  afterAll(() => server.stop());
  afterEach(() => Promise.all(open.splice(0).map((elector) => elector.stop())));

  let leases = 0;
  /** Some electors of one Lease, each on its own line to the API server. */
  const scene = () => {
    const name = `lease-${leases++}`;
    const leading = new Set<string>();
    const overlaps: string[] = [];
    const begin = (pod: string) => {
      const api = new Line(connect({ kubeconfig: server.kubeconfig }));
      const news: LeaseNews[] = [];
      const identity = identityOf(pod);
      const elector = new Elector({ api, namespace: 'default', name, identity, times, told: (event) => void news.push(event) });
      elector.leading$.subscribe((signal) => {
        if (signal === undefined) leading.delete(pod);
        else {
          if (leading.size > 0) overlaps.push(`${pod} while ${[...leading].join(', ')}`);
          leading.add(pod);
        }
      });
      open.push(elector);
      elector.start();
      return { elector, api, news, identity, leads: () => firstValueFrom(elector.leading$.pipe(filter((signal) => signal !== undefined))) };
    };
    const lease = async () =>
      (await server.api.request({ path: `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}` })) as KubeObject & {
        readonly spec: Readonly<Record<string, unknown>>;
      };
    return { begin, lease, overlaps, name };
  };
  const lost = (signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

  it('writes what kubectl and other controllers expect of a Lease', async () => {
    const { begin, lease } = scene();
    const one = begin('one');
    await one.leads();
    const { spec } = await lease();
    expect(spec).toMatchObject({ holderIdentity: one.identity, leaseDurationSeconds: 3, leaseTransitions: 0 });
    expect(spec['renewTime']).toMatch(/\.\d{6}Z$/);
    expect(spec['acquireTime']).toMatch(/\.\d{6}Z$/);
  });

  it('has one leader of two, and the other without waiting for the Lease to expire when it stops gracefully', async () => {
    const { begin, lease, overlaps } = scene();
    const one = begin('one');
    const signal = await one.leads();
    const two = begin('two');
    await server.api.request({ path: '/version' });
    const next = two.leads();
    await one.elector.stop();
    expect([signal.aborted, one.elector.isLeading, (await lease()).spec['holderIdentity']]).toEqual([true, false, '']);
    const released = performance.now();
    await next;
    expect(performance.now() - released).toBeLessThan(times.durationMs - times.retryMs);
    expect((await lease()).spec).toMatchObject({ holderIdentity: two.identity, leaseTransitions: 1 });
    expect(overlaps).toEqual([]);
  });

  it('keeps labels and annotations that somebody put on the Lease', async () => {
    const { begin, lease, name } = scene();
    const one = begin('one');
    await one.leads();
    await server.api.request({
      method: 'PATCH',
      path: `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { theirs: 'x' } } },
    });
    await one.elector.stop();
    expect((await lease()).metadata.annotations).toEqual({ theirs: 'x' });
    expect(one.news.map(({ kind }) => kind)).toEqual(['leading', 'lost']);
  });

  it('leads no more once it cannot renew, before another does, and comes back as a follower', async () => {
    const { begin, overlaps } = scene();
    const one = begin('one');
    const signal = await one.leads();
    const two = begin('two');
    one.api.cut = true;
    const reason = await lost(signal);
    expect([two.elector.isLeading, String(reason)]).toEqual([false, 'Error: no longer the leader: not renewed for 2000 ms']);
    await two.leads();
    one.api.cut = false;
    await firstValueFrom(two.elector.leading$);
    expect([one.elector.isLeading, two.elector.isLeading, overlaps]).toEqual([false, true, []]);
    expect(one.news.map(({ kind }) => kind).slice(0, 3)).toEqual(['leading', 'failing', 'lost']);
  });

  it('goes on leading on a slow API server, and gives up on one that is too slow to renew in time', async () => {
    const { begin, overlaps } = scene();
    const one = begin('one');
    const signal = await one.leads();
    one.api.delayMs = times.renewMs / 4;
    await new Promise((resolve) => setTimeout(resolve, times.durationMs * 1.5));
    expect(signal.aborted).toBe(false);
    one.api.delayMs = times.renewMs;
    const two = begin('two');
    await lost(signal);
    await two.leads();
    expect(overlaps).toEqual([]);
  });

  it('survives an API server that is killed and started again, with one leader after it', async () => {
    const { begin, overlaps, lease } = scene();
    const one = begin('one');
    const signal = await one.leads();
    const two = begin('two');
    await server.kill();
    await lost(signal);
    expect([one.elector.isLeading, two.elector.isLeading]).toEqual([false, false]);
    await server.restart();
    await Promise.race([one.leads(), two.leads()]);
    expect(overlaps).toEqual([]);
    const leader = [one, two].find(({ elector }) => elector.isLeading);
    expect((await lease()).spec['holderIdentity']).toBe(leader?.identity);
    expect(one.news.map(({ kind }) => kind)).toContain('works again');
  });

  it('does not hang on stopping while the API server is away', async () => {
    const { begin } = scene();
    const one = begin('one');
    await one.leads();
    await server.kill();
    await one.elector.stop();
    expect(one.elector.isLeading).toBe(false);
    await server.restart();
  });

  it('says what is missing when it may not write Leases, and does not lead', async () => {
    const news: LeaseNews[] = [];
    const heard = Promise.withResolvers<void>();
    const elector = new Elector({
      api: connect({ kubeconfig: server.kubeconfigFor('alice') }),
      namespace: 'default',
      name: 'forbidden',
      identity: 'alice',
      times,
      told: (event) => {
        news.push(event);
        heard.resolve();
      },
    });
    open.push(elector);
    elector.start();
    await heard.promise;
    const [first] = news;
    expect(first?.kind === 'failing' ? String(first.error) : '').toMatch(/cannot get resource "leases"/);
    expect(elector.isLeading).toBe(false);
  });
});
