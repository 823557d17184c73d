/** Which Gateways need another client certificate, and when. */
import {
  asyncScheduler,
  combineLatest,
  concat,
  defer,
  distinctUntilChanged,
  type Observable,
  of,
  repeat,
  type SchedulerLike,
  switchMap,
} from 'rxjs';
import { type LocalKey, localKey } from '../../src/lib/key.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { XdsCertificates } from './authority-secret.ts';
import { certificateIn, type ClientCertificate, type ReadCertificate, readCertificate } from './client-certificate.ts';
import { waitUntil } from './wait.ts';

/** A Gateway whose Envoys get a certificate. */
export type ClientGateway = {
  readonly namespace: string;
  readonly name: string;
  /** Of the Secret in its namespace that holds what its Envoys mount. */
  readonly secretName: string;
};

type Issuer = Pick<XdsCertificates, 'caBundle' | 'issueClient'>;

/** Certificates by Gateway, all of them; and when to look again, in Unix milliseconds. */
export type Round = { readonly certificates: ReadonlyMap<LocalKey, ClientCertificate>; readonly until: number };

/** Told of each certificate that is issued. */
export type Issued = (gateway: ClientGateway, because: string) => void;

/**
 * Keeps what Gateways have while it is good, and issues what they lack. What was issued is remembered until it is seen in its Secret, or
 * something better is: asking again before does not issue again.
 */
export class ClientCertificates {
  readonly #issued: Issued;
  #remembered: ReadonlyMap<LocalKey, ReadCertificate> = new Map();

  constructor(issued: Issued = () => undefined) {
    this.#issued = issued;
  }

  /** `secrets` by `namespace/name`; the ones of Gateways are enough. */
  round(gateways: readonly ClientGateway[], secrets: ReadonlyMap<LocalKey, KubeObject>, issuer: Issuer, now: number): Round {
    const certificates = new Map<LocalKey, ClientCertificate>();
    const remembered = new Map<LocalKey, ReadCertificate>();
    let until = Number.POSITIVE_INFINITY;
    for (const gateway of gateways) {
      const key = localKey(gateway.namespace, gateway.name);
      const secret = secrets.get(localKey(gateway.namespace, gateway.secretName));
      const observed = secret === undefined ? undefined : certificateIn(secret);
      const ours = this.#remembered.get(key);
      const { certificate, renewAt } = this.#choose(gateway, { observed, ours, isNew: secret === undefined }, issuer, now);
      if (certificate !== observed) remembered.set(key, certificate);
      // Of a certificate that is kept, the bundle alone may be another.
      const { held } = certificate;
      certificates.set(key, held.caBundle === issuer.caBundle ? held : { ...held, caBundle: issuer.caBundle });
      until = Math.min(until, renewAt);
    }
    this.#remembered = remembered;
    return { certificates, until };
  }

  #choose(
    gateway: ClientGateway,
    {
      observed,
      ours,
      isNew,
    }: { readonly observed: ReadCertificate | undefined; readonly ours: ReadCertificate | undefined; readonly isNew: boolean },
    { caBundle, issueClient }: Issuer,
    now: number,
  ): { readonly certificate: ReadCertificate; readonly renewAt: number } {
    let because = isNew ? 'it has none' : 'it cannot be read';
    for (const certificate of [observed, ours]) {
      if (certificate === undefined) continue;
      const verdict = certificate.judge(gateway, caBundle, now);
      if (verdict.keep) return { certificate, renewAt: verdict.renewAt };
      ({ because } = verdict);
    }
    const certificate = readCertificate(issueClient(gateway, now));
    if (certificate === undefined) throw new Error('unreachable: a certificate of our own cannot be read');
    this.#issued(gateway, because);
    const verdict = certificate.judge(gateway, caBundle, now);
    // A CA that is about to expire gives nothing that lasts; it will have a successor.
    return { certificate, renewAt: verdict.keep ? verdict.renewAt : now + 60_000 };
  }
}

export type ClientCertificatesOptions = {
  readonly gateways$: Observable<readonly ClientGateway[]>;
  /** By `namespace/name`; silent until they are all known, or certificates are replaced that are still good. */
  readonly secrets$: Observable<ReadonlyMap<LocalKey, KubeObject>>;
  readonly certificates$: Observable<Issuer>;
  readonly issued?: Issued;
  readonly scheduler?: SchedulerLike;
};

/** The certificate that each Gateway's Envoys are to have, whenever one changes: complete, never a part. */
export const clientCertificatesOf = ({
  gateways$,
  secrets$,
  certificates$,
  issued,
  scheduler = asyncScheduler,
}: ClientCertificatesOptions): Observable<Round['certificates']> =>
  defer(() => {
    const held = new ClientCertificates(issued);
    return combineLatest([gateways$, secrets$, certificates$]).pipe(
      switchMap(([gateways, secrets, issuer]) =>
        defer(() => {
          const { certificates, until } = held.round(gateways, secrets, issuer, scheduler.now());
          return concat(of(certificates), waitUntil(until, scheduler));
        }).pipe(repeat()),
      ),
      distinctUntilChanged(isSame),
    );
  });

const isSame = (a: Round['certificates'], b: Round['certificates']): boolean =>
  a.size === b.size &&
  [...a].every(([key, { certificate, privateKey, caBundle }]) => {
    const other = b.get(key);
    return other?.certificate === certificate && other.privateKey === privateKey && other.caBundle === caBundle;
  });
