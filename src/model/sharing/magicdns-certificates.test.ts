import { describe, expect, it } from 'vitest';
import { certificateFor } from '../../../test/support/certificates.ts';
import { messageOf, objectsIn, shown, statusOf } from '../../../test/support/gateway-api.ts';
import { entrancesOf, graphOf, observed, options, route, share, tailnet, worldOf } from '../../../test/support/shared-gateway.ts';
import type { AnyObject } from '../../api/kinds.ts';
import { graphBuilder } from '../build.ts';
import type { Graph } from '../graph.ts';
import { objectsOf } from '../tailnets/fixtures.ts';

const dnsName = 'web.tail1.ts.net';
const set = 'default/share-prod-ingress';
const plain = share() + route('HTTPRoute', 'web', '', '', 'default', 'http');

/** What proxies left in the Secret of the name. */
const secretWith = (certificate: string, privateKey: string): readonly AnyObject[] =>
  objectsIn(`
apiVersion: v1
kind: Secret
metadata: { name: ${dnsName}, namespace: default }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey)} }
`);
const [pair, other] = [certificateFor([dnsName]), certificateFor([dnsName])];
const issued = secretWith(pair.certificate, pair.privateKey);

const conditionsOf = (graph: Graph) => statusOf(graph, 'TailscaleGateway', 'share').conditions;
const ready = (graph: Graph): string => shown(conditionsOf(graph), 'ServicesReady');
const hosted = (graph: Graph) => graph.proxySets.get(set)?.services.get('svc:web');
const portsOf = (graph: Graph): readonly number[] => entrancesOf(graph).map(({ port }) => port);
const there = observed({ 'prod/svc:web': { addresses: ['100.100.0.1'] } });

describe('the certificate of a MagicDNS name', () => {
  it('is waited for by a service that is hosted for its sake alone, and once it is issued the service has its ports', () => {
    const build = graphBuilder(options);
    const before = build(objectsOf(...worldOf(plain, ...secretWith('', ''))), there);
    expect(ready(before)).toBe('False CertificateMissing');
    expect([hosted(before), portsOf(before)]).toEqual([{ ports: new Map(), wanted: true, certificate: dnsName }, []]);
    const after = build(objectsOf(...worldOf(plain, ...issued)), there);
    expect(portsOf(after)).toEqual([443, 80]);
    expect([...(hosted(after)?.ports.keys() ?? [])]).toEqual([80, 443]);
    expect(hosted(after)).toMatchObject({ wanted: true, certificate: dnsName });
    expect(ready(after)).toBe('False ProxiesNotReady');
    expect(portsOf(build(objectsOf(...worldOf(plain)), there))).toEqual([]);
  });

  it.each([
    ['an HTTPRoute on an HTTPS listener', route('HTTPRoute', 'web', '', '', 'default', 'https')],
    ['a TLSRoute whose TLS ends here', route('TLSRoute', 'web', 'hostnames: [a.example]', '', 'default', 'tls')],
  ])('is obtained for %s where nothing else is to be used', (_, routes) => {
    const yaml = share('share', tailnet('prod', 'certificate: MagicDNS')) + routes;
    const terminating = worldOf(yaml).map((object): AnyObject => {
      if (object.kind !== 'Gateway') return object;
      const listeners = object.spec.listeners?.map((one) =>
        one.name === 'tls'
          ? { ...one, tls: { mode: 'Terminate' as const, certificateRefs: [{ group: '', kind: 'Secret', name: 'cert' }] } }
          : one,
      );
      return { ...object, spec: { ...object.spec, listeners } };
    });
    const graph = graphBuilder(options)(objectsOf(...terminating), there);
    expect(ready(graph)).toBe('False CertificateMissing');
    expect(hosted(graph)).toMatchObject({ wanted: true, certificate: dnsName });
  });

  it('that is never issued is told with where to look', () => {
    const graph = graphOf(plain, there, ...secretWith('', ''));
    expect(messageOf(conditionsOf(graph), 'ServicesReady')).toBe(
      'svc:web: there is no certificate yet: attach the route to an HTTPS listener, or wait until the proxies have one for the MagicDNS name, for which HTTPS has to be enabled in the tailnet: the log of the first proxy says what keeps it from that',
    );
  });

  it.each([
    ['garbage', secretWith('garbage', pair.privateKey), 'holds no PEM certificate in tls.crt'],
    ['a key of another', secretWith(pair.certificate, other.privateKey), 'holds a private key that does not belong to its certificate'],
    ['no key', secretWith(pair.certificate, ''), 'has no tls.key'],
  ])('that is %s is told to be broken, with what to do', (_, secret, problem) => {
    const graph = graphOf(plain, { ...there, hour: 0 }, ...secret);
    const message = `svc:web: Secret "default/${dnsName}" ${problem}: put the certificate of the MagicDNS name and its key there, or delete the Secret, so that the proxies obtain both anew`;
    expect(ready(graph)).toBe('False CertificateInvalid');
    expect(messageOf(conditionsOf(graph), 'ServicesReady')).toBe(message);
    expect(hosted(graph)).toMatchObject({ wanted: true, certificate: dnsName });
    // Served with the listener's, which is not that of the name.
    const served = graphOf(share() + route('HTTPRoute', 'web'), { ...there, hour: 0 }, ...secret);
    expect(portsOf(served)).toEqual([443, 80]);
    expect(shown(conditionsOf(served), 'CertificatesReady')).toBe('False CertificateInvalid');
    expect(messageOf(conditionsOf(served), 'CertificatesReady')).toBe(message);
  });
});
