/** Certificates, client certificates and BackendTLSPolicies by Gateway API v1.6. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../src/model/graph.ts';
import { certificateFor } from './support/certificates.ts';
import {
  gateway,
  gatewayIn,
  graphFrom,
  httpRoute,
  listenerIn,
  listenerStatus,
  messageOf,
  shown,
  statusOf,
  tlsSecret,
} from './support/gateway-api.ts';

const https = (refs: string, more = ''): string =>
  `listeners: [{ name: https, port: 8443, protocol: HTTPS, tls: { certificateRefs: [${refs}]${more} } }]`;
const stateOf = (graph: Graph, listener = 'https'): readonly string[] => {
  const { conditions } = listenerStatus(graph, 'Gateway', 'one', listener);
  return ['Accepted', 'Programmed', 'ResolvedRefs'].map((type) => shown(conditions, type));
};
const refsMessage = (graph: Graph): string => messageOf(listenerStatus(graph, 'Gateway', 'one', 'https').conditions, 'ResolvedRefs');
const secret = (name: string, data: Readonly<Record<string, string>>): string => `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: default }
stringData: ${JSON.stringify(data)}
---
`;

describe('certificateRefs', () => {
  it('that resolve are served', () => {
    const graph = graphFrom(`${gateway('one', https('{ name: pair }'))}${tlsSecret('pair')}`);
    expect(stateOf(graph)).toEqual(['True Accepted', 'True Programmed', 'True ResolvedRefs']);
    const [certificate] = listenerIn(graph, 'one', 'https', 'HTTPS').tls?.certificates ?? [];
    expect(certificate?.owner).toBe('Secret/default/pair');
    expect(gatewayIn(graph, 'one').secrets.map(({ id }) => id)).toEqual([certificate?.id]);
  });

  const one = certificateFor(['a.example']);
  const other = certificateFor(['a.example']);
  it.each([
    ['a Secret that does not exist', '', '{ name: pair }'],
    ['a Secret without a key', secret('pair', { 'tls.crt': one.certificate }), '{ name: pair }'],
    ['a Secret that is no PEM', secret('pair', { 'tls.crt': 'Hello', 'tls.key': 'world' }), '{ name: pair }'],
    ['a key of another certificate', secret('pair', { 'tls.crt': one.certificate, 'tls.key': other.privateKey }), '{ name: pair }'],
    ['another kind', '', '{ kind: ConfigMap, name: pair }'],
    ['another group', '', '{ group: example.com, name: pair }'],
  ])('to %s do not resolve, and say which and why', (_, objects, ref) => {
    const graph = graphFrom(`${gateway('one', https(ref))}${objects}`);
    expect(stateOf(graph)).toEqual(['True Accepted', 'False Invalid', 'False InvalidCertificateRef']);
    expect(refsMessage(graph)).toMatch(/pair|ConfigMap|example\.com/);
    expect(gatewayIn(graph, 'one').sockets).toEqual([]);
    const status = statusOf(graph, 'Gateway', 'one');
    expect(shown(status.conditions, 'ResolvedRefs')).toBe('False ListenersNotResolved');
    expect(shown(status.conditions, 'Programmed')).toBe('False Invalid');
  });

  it('of which some resolve serve those, and name the others', () => {
    const graph = graphFrom(`${gateway('one', https('{ name: missing }, { name: pair }'))}${tlsSecret('pair')}`);
    expect(stateOf(graph)).toEqual(['True Accepted', 'True Programmed', 'False InvalidCertificateRef']);
    expect(refsMessage(graph)).toContain('missing');
    expect(refsMessage(graph)).not.toContain('"default/pair"');
    expect(listenerIn(graph, 'one', 'https', 'HTTPS').tls?.certificates).toHaveLength(1);
  });

  it('into another namespace need a grant there, for this kind and name', () => {
    const grant = (to: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: grant, namespace: other }
spec: { from: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: default }], to: [${to}] }
---
`;
    const base = `${gateway('one', https('{ name: pair, namespace: other }'))}${tlsSecret('pair', 'a.example', 'other')}`;
    expect(stateOf(graphFrom(base))).toEqual(['True Accepted', 'False Invalid', 'False RefNotPermitted']);
    expect(stateOf(graphFrom(`${base}${grant("{ group: '', kind: Secret, name: else }")}`))[2]).toBe('False RefNotPermitted');
    expect(stateOf(graphFrom(`${base}${grant("{ group: '', kind: ConfigMap }")}`))[2]).toBe('False RefNotPermitted');
    expect(stateOf(graphFrom(`${base}${grant("{ group: '', kind: Secret, name: pair }")}`))[2]).toBe('True ResolvedRefs');
    expect(stateOf(graphFrom(`${base}${grant("{ group: '', kind: Secret }")}`))[2]).toBe('True ResolvedRefs');
  });

  it('never show a key in a message', () => {
    const graph = graphFrom(
      `${gateway('one', https('{ name: pair }'))}${secret('pair', { 'tls.crt': one.certificate, 'tls.key': other.privateKey })}`,
    );
    expect(JSON.stringify([...graph.statuses])).not.toContain('PRIVATE');
  });
});

describe('tls.options', () => {
  const withOptions = (options: string): Graph =>
    graphFrom(`${gateway('one', https('{ name: pair }', `, options: { ${options} }`))}${tlsSecret('pair')}`);

  it('set the least TLS version', () => {
    expect(listenerIn(withOptions("gateway.tailscale.com/min-tls-version: '1.3'"), 'one', 'https', 'HTTPS').tls?.minVersion).toBe('1.3');
  });

  it.each(["gateway.tailscale.com/min-tls-version: '1.9'", 'example.com/ciphers: none'])(
    'that we do not know (%s) refuse the listener',
    (options) => {
      expect(stateOf(withOptions(options)).slice(0, 2)).toEqual(['False UnsupportedValue', 'False Invalid']);
    },
  );
});

describe('client certificates', () => {
  const ca = (name: string): string => `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: default }
data: { ca.crt: ${JSON.stringify(certificateFor(['ca.example']).certificate)} }
---
`;
  const validation = (refs: string, mode = ''): string => `validation: { caCertificateRefs: [${refs}]${mode} }`;
  const toCa = (name: string, more = ''): string => `{ group: '', kind: ConfigMap, name: ${name}${more} }`;
  const listeners = `listeners: [{ name: http, port: 8080, protocol: HTTP }, { name: https, port: 8443, protocol: HTTPS, tls: { certificateRefs: [{ name: pair }] } }, { name: more, port: 9443, protocol: HTTPS, tls: { certificateRefs: [{ name: pair }] } }]`;
  const graphOf = (frontend: string): Graph =>
    graphFrom(`${gateway('one', `tls: { frontend: { ${frontend} } }, ${listeners}`)}${tlsSecret('pair')}${ca('trusted')}`);

  it('are asked for on every HTTPS listener, unless its port says otherwise', () => {
    const graph = graphOf(`default: { ${validation(toCa('trusted'))} }, perPort: [{ port: 9443, tls: {} }]`);
    expect(listenerIn(graph, 'one', 'https', 'HTTPS').tls?.clientValidation?.insecureFallback).toBe(false);
    expect(listenerIn(graph, 'one', 'more', 'HTTPS').tls?.clientValidation).toBeUndefined();
    expect(stateOf(graph, 'http')).toEqual(['True Accepted', 'True Programmed', 'True ResolvedRefs']);
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'InsecureFrontendValidationMode')).toBe('(none)');
  });

  it.each([
    ['that does not exist', toCa('missing'), 'InvalidCACertificateRef'],
    ['of another kind', '{ group: example.com, kind: Bundle, name: trusted }', 'InvalidCACertificateKind'],
    ['in another namespace without a grant', toCa('trusted', ', namespace: other'), 'RefNotPermitted'],
  ])('whose only CA is one %s close the HTTPS listeners they are for, and no other', (_, ref, reason) => {
    const graph = graphOf(`default: { ${validation(toCa('trusted'))} }, perPort: [{ port: 9443, tls: { ${validation(ref)} } }]`);
    expect(stateOf(graph, 'more')).toEqual(['False NoValidCACertificate', 'False Invalid', `False ${reason}`]);
    expect(stateOf(graph, 'https')).toEqual(['True Accepted', 'True Programmed', 'True ResolvedRefs']);
    expect(stateOf(graph, 'http')).toEqual(['True Accepted', 'True Programmed', 'True ResolvedRefs']);
  });

  it('of which one CA resolves are checked with that one', () => {
    const graph = graphOf(`default: { ${validation(`${toCa('missing')}, ${toCa('trusted')}`)} }`);
    expect(stateOf(graph)).toEqual(['True Accepted', 'True Programmed', 'False InvalidCACertificateRef']);
    expect(listenerIn(graph, 'one', 'https', 'HTTPS').tls?.clientValidation).toBeDefined();
  });

  it('that are optional are told to be insecure', () => {
    const graph = graphOf(`default: { ${validation(toCa('trusted'), ', mode: AllowInsecureFallback')} }`);
    expect(listenerIn(graph, 'one', 'https', 'HTTPS').tls?.clientValidation?.insecureFallback).toBe(true);
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'InsecureFrontendValidationMode')).toBe('True ConfigurationChanged');
  });
});

describe('tls.backend.clientCertificateRef', () => {
  const graphOf = (ref: string, objects = ''): Graph =>
    graphFrom(
      `${gateway('one', `tls: { backend: { clientCertificateRef: { ${ref} } } }, listeners: [{ name: http, port: 8080, protocol: HTTP }]`)}${objects}`,
    );

  it('is what Envoy presents to backends', () => {
    const graph = graphOf('name: pair', tlsSecret('pair'));
    expect(gatewayIn(graph, 'one').clientCertificate?.owner).toBe('Secret/default/pair');
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'ResolvedRefs')).toBe('True ResolvedRefs');
  });

  it.each([
    ['name: missing', 'InvalidClientCertificateRef'],
    ['kind: ConfigMap, name: pair', 'InvalidClientCertificateRef'],
    ['name: pair, namespace: other', 'RefNotPermitted'],
  ])('that does not resolve (%s) is said on the Gateway, which goes on', (ref, reason) => {
    const graph = graphOf(ref, tlsSecret('pair'));
    const { conditions } = statusOf(graph, 'Gateway', 'one');
    expect([shown(conditions, 'ResolvedRefs'), shown(conditions, 'Accepted')]).toEqual([`False ${reason}`, 'True Accepted']);
    expect(gatewayIn(graph, 'one').clientCertificate).toBeUndefined();
  });
});

describe('a BackendTLSPolicy', () => {
  const policy = (name: string, more = 'wellKnownCACertificates: System'): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name}, namespace: default }
spec: { targetRefs: [{ group: '', kind: Service, name: web }], validation: { hostname: web.example, ${more} } }
---
`;
  const used = `${gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP }]')}${httpRoute('web', '{ name: one }')}`;

  it('is told of each Gateway that uses it', () => {
    const { ancestors } = statusOf(graphFrom(`${used}${policy('tls')}`), 'BackendTLSPolicy', 'tls');
    expect(ancestors.map(({ ancestorRef }) => ancestorRef)).toEqual([
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default', name: 'one' },
    ]);
    expect(['Accepted', 'ResolvedRefs'].map((type) => shown(ancestors[0]?.conditions ?? [], type))).toEqual([
      'True Accepted',
      'True ResolvedRefs',
    ]);
    expect(ancestors[0]?.conditions.every(({ observedGeneration }) => observedGeneration === 1)).toBe(true);
  });

  it('that nothing uses has no status', () => {
    expect(graphFrom(policy('tls')).statuses.has('BackendTLSPolicy/default/tls')).toBe(false);
  });

  it('that comes after another for the same Service is in conflict', () => {
    const { ancestors } = statusOf(graphFrom(`${used}${policy('a')}${policy('b')}`), 'BackendTLSPolicy', 'b');
    expect(shown(ancestors[0]?.conditions ?? [], 'Accepted')).toBe('False Conflicted');
  });

  it('without a CA that resolves is refused', () => {
    const { ancestors } = statusOf(
      graphFrom(`${used}${policy('tls', "caCertificateRefs: [{ group: '', kind: ConfigMap, name: missing }]")}`),
      'BackendTLSPolicy',
      'tls',
    );
    expect(['Accepted', 'ResolvedRefs'].map((type) => shown(ancestors[0]?.conditions ?? [], type))).toEqual([
      'False NoValidCACertificate',
      'False InvalidCACertificateRef',
    ]);
  });
});
