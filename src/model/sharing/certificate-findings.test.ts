import { describe, expect, it } from 'vitest';
import { certificateFor } from '../../../test/support/certificates.ts';
import { messageOf, objectsIn, shown, statusOf } from '../../../test/support/gateway-api.ts';
import { edge, graphOf, observed, route, share, tailnet } from '../../../test/support/shared-gateway.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { Observations } from '../../api/observations.ts';

const today = '2026-03-10T12:00:00Z';
const atHour: Observations = { ...observed(), hour: Date.parse(today) };
const web = route('HTTPRoute', 'web', '', '', 'default', 'https');

/** The Secret of a certificate, as proxies and users leave it. */
const secretOf = (name: string, validity: { readonly from?: string; readonly to?: string }, label = ''): readonly AnyObject[] => {
  const { certificate, privateKey } = certificateFor([name], undefined, validity);
  return objectsIn(`
apiVersion: v1
kind: Secret
metadata: { name: ${label === '' ? name : label}, namespace: default }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey)} }
`);
};
const conditionsWith = (yaml: string, secrets: readonly AnyObject[] = [], observations = atHour) =>
  statusOf(graphOf(yaml, observations, ...secrets), 'TailscaleGateway', 'share').conditions;
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `web-${index}`);
const routes = (count: number): string =>
  names(count)
    .map((name) => route('HTTPRoute', name, '', '', 'default', 'https'))
    .join('');

describe('a TailscaleGateway says of certificates', () => {
  it('nothing where nobody knows what time it is, or none is used', () => {
    expect(shown(conditionsWith(share() + web, [], observed()), 'CertificatesReady')).toBe('(none)');
    expect(shown(conditionsWith(share('share', tailnet('prod', '', 'protocol: HTTP')) + web), 'CertificatesReady')).toBe('(none)');
  });

  it('how many of those there are that proxies obtain', () => {
    const there = secretOf('web-0.tail1.ts.net', { to: '2026-05-01T00:00:00Z' });
    expect(shown(conditionsWith(share() + routes(2), there), 'CertificatesReady')).toBe('True CertificatesReady');
    expect(messageOf(conditionsWith(share() + routes(2), there), 'CertificatesReady')).toBe('Certificates of MagicDNS names: 1 of 2');
  });

  it.each([
    ['2026-03-17T12:00:01Z', 'True CertificatesReady', ''],
    [
      '2026-03-17T12:00:00Z',
      'False CertificateExpiring',
      'svc:web: the certificate in Secret "default/web.tail1.ts.net" expires at 2026-03-17T12:00:00Z: the first proxy of StatefulSet "default/share-prod-ingress"',
    ],
    ['2026-03-10T12:00:00Z', 'False CertificateExpired', 'expired at 2026-03-10T12:00:00Z'],
  ])('obtained until %s: %s', (to, condition, message) => {
    const conditions = conditionsWith(share() + web, secretOf('web.tail1.ts.net', { to }));
    expect(shown(conditions, 'CertificatesReady')).toBe(condition);
    expect(messageOf(conditions, 'CertificatesReady')).toContain(message);
  });

  it('that one of a listener is to be renewed by whom it belongs to, and how many more end', () => {
    const secrets = [...secretOf('a.example', { to: '2026-03-01T00:00:00Z' }, 'cert'), ...secretOf('web.tail1.ts.net', { to: today })];
    const conditions = conditionsWith(edge + share() + web, secrets);
    expect(shown(conditions, 'CertificatesReady')).toBe('False CertificateExpired');
    expect(messageOf(conditions, 'CertificatesReady')).toBe(
      'svc:web: the certificate in Secret "default/cert" expired at 2026-03-01T00:00:00Z: renew it, or have it renewed; and 1 more that end soon, or have',
    );
  });

  it('when more are wanted than a tailnet gets in a week', () => {
    expect(shown(conditionsWith(share() + routes(50)), 'CertificatesReady')).toBe('True CertificatesReady');
    expect(shown(conditionsWith(share() + routes(51)), 'CertificatesReady')).toBe('False CertificateBudget');
    const issued = (from: string): readonly AnyObject[] => secretOf('web-0.tail1.ts.net', { from });
    expect(shown(conditionsWith(share() + routes(51), issued('2026-03-03T12:00:00Z')), 'CertificatesReady')).toBe('True CertificatesReady');
    const recent = conditionsWith(share() + routes(51), issued('2026-03-03T12:00:01Z'));
    expect(shown(recent, 'CertificatesReady')).toBe('False CertificateBudget');
    expect(messageOf(recent, 'CertificatesReady')).toContain(
      '50 more names of tail1.ts.net are to have certificates, and 1 got theirs in the last seven days',
    );
  });

  it('when those of all who share with the tailnet are too many together', () => {
    const second = share('other', tailnet('prod', "namePattern: 'other-{route}'"));
    const conditionsOf = (count: number) =>
      ['share', 'other'].map((name) =>
        shown(statusOf(graphOf(second + share() + routes(count), atHour), 'TailscaleGateway', name).conditions, 'CertificatesReady'),
      );
    expect(conditionsOf(25)).toEqual(['True CertificatesReady', 'True CertificatesReady']);
    expect(conditionsOf(26)).toEqual(['False CertificateBudget', 'False CertificateBudget']);
  });
});
