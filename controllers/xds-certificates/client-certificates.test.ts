import { X509Certificate } from 'node:crypto';
import { map, scan } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { localKey } from '../../src/lib/key.ts';
import type { KeyPair } from './certificate.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { ClientCertificates, clientCertificatesOf, type ClientGateway } from './client-certificates.ts';
import { issueClient, newCa } from './issue.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.parse('2030-02-03T04:05:06Z');
const edge: ClientGateway = { namespace: 'team', name: 'edge', secretName: 'edge-xds' };
const other: ClientGateway = { namespace: 'team', name: 'other', secretName: 'other-xds' };
const ca = newCa(start, 365 * day);

const issuerOf = (signing: KeyPair, trusted: readonly KeyPair[] = [signing]) => {
  const caBundle = trusted.map(({ certificate }) => certificate).join('');
  return {
    caBundle,
    issueClient: (gateway: { namespace: string; name: string }, now: number) => ({ ...issueClient(signing, gateway, now, day), caBundle }),
  };
};
const issuer = issuerOf(ca);

const secretFrom = ({ secretName, namespace }: ClientGateway, { certificate, privateKey, caBundle }: ClientCertificate): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: secretName, namespace },
  data: { 'tls.crt': btoa(certificate), 'tls.key': btoa(privateKey), 'ca.crt': btoa(caBundle) },
});
const secretsOf = (...secrets: readonly KubeObject[]) =>
  new Map(secrets.map((secret) => [localKey(secret.metadata.namespace ?? '', secret.metadata.name), secret]));

/** One round for `edge`, whose Secret holds `held`: its certificate, why another was issued, and when to look again. */
const roundWith = (held: ClientCertificate | undefined, now = start, by = issuer) => {
  const reasons: string[] = [];
  const rounds = new ClientCertificates((_, because) => reasons.push(because));
  const secrets = held === undefined ? secretsOf() : secretsOf(secretFrom(edge, held));
  const { certificates, until } = rounds.round([edge], secrets, by, now);
  return { certificate: certificates.get('team/edge'), reasons, until };
};
const good = issuer.issueClient(edge, start);

describe('a Gateway', () => {
  it('keeps a certificate that is good, until it is due', () => {
    const { certificate, reasons, until } = roundWith(good);
    expect(certificate).toEqual(good);
    expect(reasons).toEqual([]);
    expect(until - start).toBeGreaterThan(day / 2);
    expect(until - start).toBeLessThanOrEqual((day * 2) / 3);
    expect(roundWith(good, until - 1).reasons).toEqual([]);
    expect(roundWith(good, until).reasons).toEqual(['it expires soon']);
  });

  it('keeps its key pair when only the CAs to trust are others', () => {
    const both = issuerOf(newCa(start, day), [ca, newCa(start, day)]);
    const { certificate, reasons } = roundWith(good, start, both);
    expect(certificate).toEqual({ ...good, caBundle: both.caBundle });
    expect(reasons).toEqual([]);
  });

  const elsewhere = issuerOf(newCa(start, day));
  it.each([
    ['nothing', undefined, 'it has none'],
    ['no certificate', { ...good, certificate: 'none' }, 'it cannot be read'],
    ['half a key', { ...good, privateKey: good.privateKey.slice(0, 90) }, 'it cannot be read'],
    ["another's key", { ...good, privateKey: ca.privateKey }, 'it cannot be read'],
    ["another Gateway's certificate", issuer.issueClient(other, start), 'it names somebody else'],
    ['one that has expired', issuer.issueClient(edge, start - 2 * day), 'it has expired'],
    ['one of another CA', elsewhere.issueClient(edge, start), 'its CA is not trusted'],
    [
      'one of another CA that it says to trust',
      { ...elsewhere.issueClient(edge, start), caBundle: issuer.caBundle },
      'its CA is not trusted',
    ],
  ])('that has %s gets another', (_what, held, because) => {
    const { certificate, reasons } = roundWith(held);
    expect(reasons).toEqual([because]);
    expect(new X509Certificate(certificate?.certificate ?? '').subjectAltName).toBe('URI:spiffe://tailplane/ns/team/gateway/edge');
    expect(certificate?.caBundle).toBe(issuer.caBundle);
  });

  it('gets one certificate, however often it is asked before that is seen in its Secret', () => {
    const reasons: string[] = [];
    const rounds = new ClientCertificates((gateway, because) => reasons.push(`${gateway.name}: ${because}`));
    const first = rounds.round([edge], secretsOf(), issuer, start).certificates.get('team/edge');
    const second = rounds.round([edge, other], secretsOf(), issuer, start).certificates.get('team/edge');
    expect(second).toBe(first);
    expect(reasons).toEqual(['edge: it has none', 'other: it has none']);
  });

  it('goes by its Secret where that holds something good, whoever issued it', () => {
    const rounds = new ClientCertificates();
    rounds.round([edge], secretsOf(), issuer, start);
    const { certificates } = rounds.round([edge], secretsOf(secretFrom(edge, good)), issuer, start);
    expect(certificates.get('team/edge')).toEqual(good);
  });

  it('that is gone and comes again gets a new certificate', () => {
    const rounds = new ClientCertificates();
    const first = rounds.round([edge], secretsOf(), issuer, start).certificates.get('team/edge');
    rounds.round([], secretsOf(), issuer, start);
    const second = rounds.round([edge], secretsOf(), issuer, start).certificates.get('team/edge');
    expect(second?.certificate).not.toBe(first?.certificate);
  });
});

it('certificates are renewed in time for as long as they are wanted, and each once', () => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  const issuedAt: number[] = [];
  scheduler.run(({ cold, flush }) => {
    const certificates$ = clientCertificatesOf({
      gateways$: cold('a', { a: [edge] }),
      secrets$: cold('a', { a: secretsOf() }),
      certificates$: cold('a').pipe(map(() => issuerOf(newCa(0, 365 * day)))),
      issued: () => issuedAt.push(scheduler.now()),
      scheduler,
    });
    const emissions: string[] = [];
    const subscription = certificates$
      .pipe(scan((_, certificates) => certificates.get('team/edge')?.certificate ?? '', ''))
      .subscribe((certificate) => emissions.push(certificate));
    scheduler.schedule(() => {
      subscription.unsubscribe();
      expect(new Set(emissions).size).toBe(emissions.length);
      expect(emissions).toHaveLength(issuedAt.length);
    }, 30 * day);
    flush();
  });
  const gaps = issuedAt.slice(1).map((at, index) => at - (issuedAt[index] ?? 0));
  expect(issuedAt[0]).toBe(0);
  expect(gaps.length).toBeGreaterThan(30);
  for (const gap of gaps) {
    expect(gap).toBeGreaterThanOrEqual(day * 0.566);
    expect(gap).toBeLessThanOrEqual((day * 2) / 3);
  }
});
