import { expect, it } from 'vitest';
import { certificateFor } from '../../test/support/certificates.ts';
import { objectsIn } from '../../test/support/gateway-api.ts';
import { graphOf, observed, route, share } from '../../test/support/shared-gateway.ts';
import { objectsOf } from '../model/tailnets/fixtures.ts';
import type { Known } from './known.ts';
import { metricsOf } from './metrics.ts';

const dayMs = 24 * 3_600_000;

/** The Secret in which proxies left a certificate issued so many days ago. */
const obtained = (name: string, days: number) => {
  const validity = { from: new Date(Date.now() - days * dayMs).toISOString(), to: '2048-01-02T03:04:05Z' };
  const { certificate, privateKey } = certificateFor([name], undefined, validity);
  return objectsIn(`
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: default }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey)} }
`);
};

it('tells when certificates of listeners and MagicDNS names expire, and how many of these are of the last week', async () => {
  const routes = ['a', 'b', 'c'].map((name) => route('HTTPRoute', name, '', '', 'default', 'https')).join('');
  const graph = graphOf(share() + routes, observed(), ...obtained('a.tail1.ts.net', 6), ...obtained('b.tail1.ts.net', 8));
  const { text } = metricsOf({
    ads: () => ({ streams: { sotw: 0, delta: 0 }, requests: 0, malformed: 0, denied: 0, refused: 0, byType: new Map() }),
    known: (): Known => ({
      state: { objects: objectsOf(), problems: [], health: { name: 'test', synced: true, lastRead: 0 } },
      graph,
      resources: new Map(),
    }),
    vitals: () => ({ published: true, stopping: false, sources: [], buildFailed: false, rejected: 0 }),
  });
  const lines = (await text()).split('\n').filter((line) => /^tailplane_(magicdns|certificate)/.test(line));
  expect(lines).toEqual([
    `tailplane_certificate_expiry_timestamp_seconds{namespace="default",name="a.tail1.ts.net"} ${Date.parse('2048-01-02T03:04:05Z') / 1000}`,
    `tailplane_certificate_expiry_timestamp_seconds{namespace="default",name="b.tail1.ts.net"} ${Date.parse('2048-01-02T03:04:05Z') / 1000}`,
    `tailplane_certificate_expiry_timestamp_seconds{namespace="default",name="cert"} ${Date.parse('2049-01-01T00:00:00Z') / 1000}`,
    'tailplane_magicdns_certificates_issued_recently{tailnet="prod"} 1',
  ]);
});
