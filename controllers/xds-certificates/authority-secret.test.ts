import { X509Certificate } from 'node:crypto';
import { BehaviorSubject, filter, firstValueFrom, type Observable, of, skip, Subject, VirtualTimeScheduler } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiRequest } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { firstAuthority } from './authority.ts';
import { type XdsCertificates, xdsCertificatesOf, type XdsCertificatesOptions } from './authority-secret.ts';
import { newCa } from './issue.ts';
import { caSecretFrom } from './secret.ts';

const hour = 3_600_000;
const day = 24 * hour;
const times = { lifetimeMs: 90 * day, overlapMs: day };
const serverNames = { dnsNames: ['tailplane.system.svc'] };

/** The Secret as an API server keeps it: versions are checked, and writes are seen by all who watch. */
class Store {
  readonly secret$ = new BehaviorSubject<KubeObject | undefined>(undefined);
  readonly requests: ApiRequest[] = [];
  #version = 0;

  readonly request = async (request: ApiRequest): Promise<unknown> => {
    this.requests.push(request);
    await Promise.resolve();
    const body = request.body as KubeObject;
    const standing = this.secret$.value;
    const fits = request.method === 'POST' ? standing === undefined : standing?.metadata.resourceVersion === body.metadata.resourceVersion;
    if (!fits) throw new ApiError('PUT', 409, { reason: 'Conflict', message: 'no' });
    const written = { ...body, metadata: { ...body.metadata, resourceVersion: String(++this.#version) } };
    this.secret$.next(written);
    return written;
  };
}

const reports: string[] = [];
const optionsFor = (store: Store, leads$: Observable<boolean>): XdsCertificatesOptions => ({
  api: store,
  namespace: 'system',
  secret$: store.secret$,
  leads$,
  serverNames,
  report: (level, message) => reports.push(`${level}: ${message}`),
  times,
});

const isOf = ({ server }: XdsCertificates, bundle: string): boolean =>
  new X509Certificate(server.cert).checkIssued(new X509Certificate(bundle)) &&
  new X509Certificate(server.cert).verify(new X509Certificate(bundle).publicKey);

describe('replicas', () => {
  it('come to the same CA when they all want to make it, and serve by certificates of their own', async () => {
    const store = new Store();
    const replicas = await Promise.all(Array.from({ length: 3 }, () => firstValueFrom(xdsCertificatesOf(optionsFor(store, of(true))))));
    const [first] = replicas;
    for (const replica of replicas) {
      expect(replica.caBundle).toBe(first?.caBundle);
      expect(isOf(replica, replica.caBundle)).toBe(true);
    }
    expect(new Set(replicas.map(({ server }) => server.cert)).size).toBe(3);
    expect(store.requests.filter(({ method }) => method === 'POST')).toHaveLength(3);
    expect(store.secret$.value?.metadata.resourceVersion).toBe('1');
  });

  it('that do not lead write nothing, and do as soon as they lead', async () => {
    const store = new Store();
    const leads$ = new BehaviorSubject(false);
    const certificates = firstValueFrom(xdsCertificatesOf(optionsFor(store, leads$)));
    expect(store.requests).toEqual([]);
    leads$.next(true);
    expect((await certificates).server.ca).toContain('BEGIN CERTIFICATE');
  });

  it('go on with what they have when the Secret becomes unreadable, and follow when there is another CA', async () => {
    const store = new Store();
    const made = firstAuthority(newCa(Date.now(), day), '', Date.now());
    store.secret$.next(caSecretFrom(made, 'system'));
    const seen: XdsCertificates[] = [];
    const follower = xdsCertificatesOf(optionsFor(store, of(false)));
    const subscription = follower.subscribe((certificates) => seen.push(certificates));
    store.secret$.next({ ...caSecretFrom(made, 'system'), data: {} });
    store.secret$.next(undefined);
    store.secret$.next({ ...caSecretFrom(made, 'system'), metadata: { name: 'tailplane-xds-ca' } });
    expect(seen).toHaveLength(1);
    expect(reports.at(-1)).toMatch(/^error: Secret tailplane-xds-ca is not labelled as tailplane's/);
    store.secret$.next(caSecretFrom(firstAuthority(newCa(Date.now(), day), '', Date.now()), 'system'));
    subscription.unsubscribe();
    expect(seen).toHaveLength(2);
    expect(seen[1]?.caBundle).not.toBe(seen[0]?.caBundle);
  });
});

it('a write that fails is told of without what was to be written, and tried again', async () => {
  const scheduler = new VirtualTimeScheduler();
  const failed = new Subject<string>();
  let tries = 0;
  const certificates$ = xdsCertificatesOf({
    ...optionsFor(new Store(), of(true)),
    api: {
      request: async () => {
        tries++;
        throw new ApiError('POST', 403, { reason: 'Forbidden', message: 'secrets is forbidden' });
      },
    },
    secret$: new BehaviorSubject(undefined),
    report: (level, message) => failed.next(`${level}: ${message}`),
    scheduler,
  });
  const told = firstValueFrom(failed);
  const subscription = certificates$.subscribe();
  expect(await told).toBe('error: Secret system/tailplane-xds-ca cannot be written: forbidden: secrets is forbidden');
  const again = firstValueFrom(failed);
  await Promise.resolve();
  scheduler.flush();
  expect(await again).toMatch(/forbidden/);
  expect(tries).toBeGreaterThanOrEqual(2);
  subscription.unsubscribe();
});

it('a server certificate is renewed for as long as the CA is valid, and never outlives it', () => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  const renewals: number[] = [];
  scheduler.run(({ cold, flush }) => {
    const made = firstAuthority(newCa(0, times.lifetimeMs), '', 0);
    const subscription = xdsCertificatesOf({
      ...optionsFor(new Store(), of(false)),
      secret$: cold('a', { a: caSecretFrom(made, 'system') }),
      scheduler,
    }).subscribe(({ server }) => {
      renewals.push(scheduler.now());
      const left = new X509Certificate(server.cert).validToDate.getTime() - scheduler.now();
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(day);
    });
    scheduler.schedule(() => subscription.unsubscribe(), 30 * day);
    flush();
  });
  const gaps = renewals.slice(1).map((at, index) => at - (renewals[index] ?? 0));
  expect(gaps.length).toBeGreaterThan(30);
  expect(Math.max(...gaps)).toBeLessThanOrEqual((day * 2) / 3);
});

it('the CA gets its successor while everything goes on', async () => {
  const store = new Store();
  const old = firstAuthority(newCa(Date.now() - 70 * day, times.lifetimeMs), '', Date.now());
  store.secret$.next(
    caSecretFrom(old, 'system', {
      ...caSecretFrom(old, 'system'),
      metadata: { ...caSecretFrom(old, 'system').metadata, resourceVersion: '9' },
    }),
  );
  const certificates$ = xdsCertificatesOf(optionsFor(store, of(true)));
  const [before, after] = await Promise.all([
    firstValueFrom(certificates$),
    firstValueFrom(
      certificates$.pipe(
        skip(1),
        filter(({ caBundle }) => caBundle !== old.bundle),
      ),
    ),
  ]);
  expect(before.caBundle).toBe(old.bundle);
  expect(after.caBundle.startsWith(old.bundle)).toBe(true);
  expect(isOf(after, old.bundle)).toBe(true);
});
