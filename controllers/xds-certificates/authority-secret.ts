/** The CA in its Secret: one replica writes it, all follow it, and each issues its own server certificate. */
import { X509Certificate } from 'node:crypto';
import {
  asyncScheduler,
  catchError,
  combineLatest,
  concat,
  defer,
  distinctUntilChanged,
  from,
  ignoreElements,
  map,
  NEVER,
  type Observable,
  of,
  repeat,
  type SchedulerLike,
  switchMap,
} from 'rxjs';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { failureOf } from '../../src/kubernetes/failure.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { type Authority, type AuthorityTimes, defaultTimes } from './authority.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { decide } from './decide.ts';
import { issueClient, issueServer, jitterOf, newCa, renewAt, type ServerNames } from './issue.ts';
import { managedResources } from '../runtime/kinds.ts';
import { caSecretFrom, caSecretName } from './secret.ts';
import { waitUntil } from './wait.ts';

/** What a replica serves xDS with, and how Gateways get what their Envoys need. */
export type XdsCertificates = {
  /** PEM texts; `ca` are those whose clients are served. */
  readonly server: { readonly key: string; readonly cert: string; readonly ca: string };
  /** Whom clients are to trust. */
  readonly caBundle: string;
  /** `now` in Unix milliseconds. */
  readonly issueClient: (gateway: { readonly namespace: string; readonly name: string }, now: number) => ClientCertificate;
};

export type XdsCertificatesOptions = {
  readonly api: Pick<ApiServer, 'request'>;
  /** Where the Secret is: tailplane's own. */
  readonly namespace: string;
  /** The Secret as it stands, undefined while there is none; silent until that is known. */
  readonly secret$: Observable<KubeObject | undefined>;
  /** Whether this replica is the one that writes. */
  readonly leads$: Observable<boolean>;
  /** What Envoys call this server. */
  readonly serverNames: ServerNames;
  /** For the log. Holds no secret. */
  readonly report: (level: 'info' | 'error', message: string) => void;
  readonly times?: AuthorityTimes;
  /** Of server and client certificates, in milliseconds; 24 h unless said otherwise. */
  readonly lifetimeMs?: number;
  readonly scheduler?: SchedulerLike;
};

/** How long to wait after a failed write before the next. */
const retryMs = 5000;

/** Certificates to serve with, whenever they change; renewed on time. Never errors, and holds on to the last good ones. */
export const xdsCertificatesOf = (options: XdsCertificatesOptions): Observable<XdsCertificates> => {
  const { serverNames, lifetimeMs = 24 * 3_600_000, scheduler = asyncScheduler } = options;
  return authorityOf(options).pipe(
    switchMap((authority) =>
      defer(() => {
        const { signing, bundle } = authority;
        const { certificate, privateKey } = issueServer(signing, serverNames, scheduler.now(), lifetimeMs);
        const parsed = new X509Certificate(certificate);
        const certificates: XdsCertificates = {
          server: { key: privateKey, cert: certificate, ca: bundle },
          caBundle: bundle,
          issueClient: (gateway, now) => ({ ...issueClient(signing, gateway, now, lifetimeMs), caBundle: bundle }),
        };
        return concat(of(certificates), waitUntil(renewAt(parsed, jitterOf(parsed)), scheduler));
      }).pipe(repeat()),
    ),
  );
};

/** The CA as all replicas see it. */
const authorityOf = ({ secret$, leads$, ...options }: XdsCertificatesOptions): Observable<Authority> =>
  combineLatest([secret$.pipe(distinctUntilChanged()), leads$.pipe(distinctUntilChanged())]).pipe(
    // What newer state asks for replaces what older asked for; a write that is under way fails by its resourceVersion, or was right.
    switchMap(([secret, leads]) => defer(() => act(secret, leads, options)).pipe(repeat())),
    distinctUntilChanged(isSame),
  );

const act = (
  secret: KubeObject | undefined,
  leads: boolean,
  { times = defaultTimes, scheduler = asyncScheduler, ...options }: Omit<XdsCertificatesOptions, 'secret$' | 'leads$'>,
): Observable<Authority> => {
  const now = scheduler.now();
  const decision = decide(secret, now, times, () => newCa(now, times.lifetimeMs));
  if (decision.do === 'report') {
    options.report('error', decision.problem);
    return NEVER;
  }
  const current = decision.current === undefined ? [] : [decision.current];
  if (decision.do === 'use') return concat(current, waitUntil(decision.until, scheduler));
  if (!leads) return concat(current, NEVER);
  return concat(
    current,
    defer(() => write(decision.authority, secret, decision.because, options)),
    waitUntil(now + retryMs, scheduler),
  );
};

/** Another replica may have been faster, or the Secret may have changed: then what stands there now will be seen, and decided upon anew. */
const write = (
  authority: Authority,
  over: KubeObject | undefined,
  because: string,
  { api, namespace, report }: Pick<XdsCertificatesOptions, 'api' | 'namespace' | 'report'>,
): Observable<never> =>
  from(
    api.request({
      method: over === undefined ? 'POST' : 'PUT',
      path: pathOf(managedResources.Secret, { namespace, ...(over === undefined ? {} : { name: caSecretName }) }),
      query: { fieldManager: 'tailplane' },
      body: caSecretFrom(authority, namespace, over),
    }),
  ).pipe(
    map(() => report('info', `Secret ${namespace}/${caSecretName} written: ${because}`)),
    catchError((error: unknown) => {
      if (!(error instanceof ApiError && error.code === 409))
        report('error', `Secret ${namespace}/${caSecretName} cannot be written: ${failureOf(error).message}`);
      return of(undefined);
    }),
    ignoreElements(),
  );

const isSame = (a: Authority, b: Authority): boolean =>
  a.bundle === b.bundle && a.signing.certificate === b.signing.certificate && a.signing.privateKey === b.signing.privateKey;
