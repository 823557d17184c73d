import {
  BehaviorSubject,
  distinctUntilChanged,
  filter,
  firstValueFrom,
  map,
  type Observable,
  of,
  pairwise,
  shareReplay,
  startWith,
  Subject,
  Subscription,
  timeout,
} from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstAuthority } from '../../controllers/xds-certificates/authority.ts';
import {
  type XdsCertificates,
  xdsCertificatesOf,
  type XdsCertificatesOptions,
} from '../../controllers/xds-certificates/authority-secret.ts';
import type { ClientCertificate } from '../../controllers/xds-certificates/client-certificate.ts';
import { clientCertificatesOf } from '../../controllers/xds-certificates/client-certificates.ts';
import { newCa } from '../../controllers/xds-certificates/issue.ts';
import { caSecretFrom, caSecretName, dataOf } from '../../controllers/xds-certificates/secret.ts';
import { managedResources } from '../../controllers/runtime/kinds.ts';
import { certificatesIn } from '../../src/lib/ca-bundle.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { reflect } from '../../src/kubernetes/reflector.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { accept, asked, clientWith, config, hold, running, serve } from './xds-tls-world.ts';

describe.skipIf(!hasApiServer)('the CA of xDS on a cluster', () => {
  let cluster: TestApiServer;
  let subscriptions: Subscription;
  let spaces = 0;
  let namespace: string;
  let reports: string[];

  beforeAll(async () => {
    cluster = await startApiServer({ crds: false });
  }, 60_000);
  afterAll(() => cluster.stop());

  beforeEach(async () => {
    subscriptions = new Subscription();
    reports = [];
    namespace = `space-${++spaces}`;
    await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
  });
  afterEach(async () => {
    subscriptions.unsubscribe();
    await Promise.all(running.splice(0).map((server) => server.drain(500)));
  });

  const secret = () => pathOf(managedResources.Secret, { namespace, name: caSecretName });
  /** The Secret as replicas follow it. */
  const observed = (): Observable<KubeObject | undefined> =>
    reflect({ api: cluster.api, resource: managedResources.Secret, namespace, fieldSelector: `metadata.name=${caSecretName}` }).pipe(
      filter(({ health }) => health.synced),
      map(({ objects }) => objects.get(`${namespace}/${caSecretName}`)),
      distinctUntilChanged(),
    );
  const replica = (options: Partial<XdsCertificatesOptions> = {}): Observable<XdsCertificates> => {
    const certificates$ = xdsCertificatesOf({
      api: cluster.api,
      namespace,
      secret$: observed(),
      leads$: of(true),
      serverNames: { dnsNames: ['localhost'] },
      report: (level, message) => reports.push(`${level}: ${message}`),
      ...options,
    }).pipe(shareReplay({ bufferSize: 1, refCount: true }));
    subscriptions.add(certificates$.subscribe());
    return certificates$;
  };
  const next = <T>(source: Observable<T>, holds: (value: T) => boolean = () => true): Promise<T> =>
    firstValueFrom(source.pipe(filter(holds), timeout(20_000)));

  it('is made by one of two replicas that both want to, and both serve by it', async () => {
    const [a, b] = await Promise.all([next(replica()), next(replica())]);
    expect(a.caBundle).toBe(b.caBundle);
    expect(a.server.cert).not.toBe(b.server.cert);
    // It may be seen before its writer has been answered.
    await expect.poll(() => reports).toEqual([`info: Secret ${namespace}/${caSecretName} written: there is no CA of xDS yet`]);
  });

  it('is another after its Secret was deleted, and all follow', async () => {
    const replicas = [replica(), replica({ leads$: of(false) })];
    const [before] = await Promise.all(replicas.map((one) => next(one)));
    const after = Promise.all(replicas.map((one) => next(one, ({ caBundle }) => caBundle !== before?.caBundle)));
    await cluster.api.request({ method: 'DELETE', path: secret() });
    const [a, b] = await after;
    expect(a?.caBundle).toBe(b?.caBundle);
  });

  it('is not written over a Secret of somebody else, and follows once that is gone', async () => {
    const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name: caSecretName, namespace }, stringData: { 'tls.crt': 'theirs' } };
    await cluster.apply([theirs]);
    const told = new Subject<string>();
    const refused = next(told);
    const certificates = next(replica({ report: (_, message) => told.next(message) }));
    expect(await refused).toMatch(/is not labelled as tailplane's: it is left as it is/);
    expect(((await cluster.api.request({ path: secret() })) as KubeObject)['data']).toEqual({ 'tls.crt': btoa('theirs') });
    await cluster.api.request({ method: 'DELETE', path: secret() });
    expect((await certificates).caBundle).toContain('BEGIN CERTIFICATE');
  });

  it('cannot be written without the right to, which is said in one line', async () => {
    const told = new Subject<string>();
    const refused = next(told);
    replica({ api: connect({ kubeconfig: cluster.kubeconfigFor('alice') }), report: (_, message) => told.next(message) });
    expect(await refused).toMatch(/^Secret space-\d+\/tailplane-xds-ca cannot be written: forbidden: secrets is forbidden: User "alice"/);
  });

  it('is replaced, and at each step old and new servers and clients understand each other, and streams go on', async () => {
    // In seconds instead of months: the successor is due now, signs a second or so later, and the old CA expires in eight.
    const times = { lifetimeMs: 24_000, overlapMs: 1500 };
    const old = firstAuthority(newCa(Date.now() - 16_000, times.lifetimeMs), '', Date.now());
    const secret$ = observed().pipe(shareReplay({ bufferSize: 1, refCount: true }));
    const before$ = secret$.pipe(
      startWith(undefined),
      pairwise(),
      map(([before, now]) => before ?? now),
    );
    const clients: { now?: ClientCertificate | undefined; before?: ClientCertificate | undefined } = {};
    // The first who hears of a step: what clients have then is what they had before it.
    subscriptions.add(secret$.subscribe(() => (clients.before = clients.now)));
    const leads$ = new BehaviorSubject(false);
    const replicas = [replica({ secret$, leads$, times }), replica({ secret$: before$, leads$: of(false), times })] as const;
    subscriptions.add(
      clientCertificatesOf({
        gateways$: of([{ namespace: 'test', name: 'edge', secretName: 'edge-xds' }]),
        secrets$: of(new Map()),
        certificates$: replicas[0],
      }).subscribe((certificates) => (clients.now = certificates.get('test/edge'))),
    );
    await cluster.apply([caSecretFrom(old, namespace)]);
    const served = await Promise.all(
      replicas.map(async (certificates$) => {
        const { server, port } = await serve({ tls: (await next(certificates$)).server });
        subscriptions.add(certificates$.subscribe((certificates) => server.secure(certificates.server)));
        return { server, port };
      }),
    );
    const dial = (port: number, client: ClientCertificate | undefined) =>
      clientWith(port, [{ certificate: client?.caBundle ?? '' }], client);
    const streams = served.map(({ port }) => dial(port, clients.now));
    await Promise.all(streams.map(hold));

    const all = next(secret$, (object) => isStep(object, { signs: 'young', trusted: 1 }));
    leads$.next(true);
    let seconds = 10;
    for (const step of [
      { signs: 'old', trusted: 2 },
      { signs: 'young', trusted: 2 },
      { signs: 'young', trusted: 1 },
    ] as const) {
      await next(secret$, (object) => isStep(object, step));
      for (const { port } of served)
        for (const client of [clients.now, clients.before])
          expect({ step, got: await asked(dial(port, client)) }).toEqual({ step, got: ['a'] });
      if (step.trusted === 1) continue;
      seconds++;
      for (const { server } of served) server.publish('test/edge', config(seconds));
      for (const stream of streams) expect(await accept(stream)).toEqual(['a']);
    }
    await all;
    // What was issued by a CA is never valid for longer than that CA.
    for (const stream of streams) expect((await stream.ended).details).toMatch(/^the (client certificate has expired|CA of the client)/);

    function isStep(
      object: KubeObject | undefined,
      { signs, trusted }: { readonly signs: 'old' | 'young'; readonly trusted: number },
    ): boolean {
      const { 'tls.crt': signing, 'ca.crt': bundle = '' } = dataOf(object ?? { apiVersion: '', kind: '', metadata: { name: '' } });
      return (signing === old.signing.certificate) === (signs === 'old') && certificatesIn(bundle).length === trusted;
    }
  });
});
