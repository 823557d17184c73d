import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issueClient, issueServer, jitterOf, newCa, renewAt, skewMs } from './issue.ts';

const now = Date.parse('2030-02-03T04:05:06Z');
const hour = 3_600_000;
const ca = newCa(now, 24 * hour);
const gateway = { namespace: 'team', name: 'edge' };

describe('what is issued', () => {
  it('to a Gateway names it, and nobody else', () => {
    const { certificate } = issueClient(ca, gateway, now, hour);
    expect(new X509Certificate(certificate).subjectAltName).toBe('URI:spiffe://tailplane/ns/team/gateway/edge');
  });

  it('to a server names what clients call it', () => {
    const { certificate } = issueServer(ca, { dnsNames: ['tailplane.ns.svc'], addresses: ['10.0.0.1'] }, now, hour);
    expect(new X509Certificate(certificate).subjectAltName).toBe('DNS:tailplane.ns.svc, IP Address:10.0.0.1');
  });

  it('is valid for nodes whose clocks are a little behind, and no longer than its CA', () => {
    const short = new X509Certificate(issueClient(ca, gateway, now, hour).certificate);
    expect([short.validFromDate.getTime(), short.validToDate.getTime()]).toEqual([now - skewMs, now + hour]);
    const late = new X509Certificate(issueClient(ca, gateway, now + 23.5 * hour, hour).certificate);
    expect(late.validToDate).toEqual(new X509Certificate(ca.certificate).validToDate);
  });

  it('is due for renewal between 57 % and two thirds of its time, which for one certificate is always the same', () => {
    const certificate = new X509Certificate(issueClient(ca, gateway, now, 6 * hour).certificate);
    expect(renewAt(certificate, 0)).toBe(now + 4 * hour);
    expect(renewAt(certificate, 1)).toBe(now + 3.4 * hour);
    const jitter = jitterOf(certificate);
    expect(jitter).toBe(jitterOf(new X509Certificate(certificate.toString())));
    expect(jitter).toBeGreaterThanOrEqual(0);
    expect(jitter).toBeLessThan(1);
  });
});
