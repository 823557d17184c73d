import { describe, expect, it } from 'vitest';
import { authority } from '../../../test/support/certificates.ts';
import type { Secret } from '../../api/core.ts';
import type { BackendTLSPolicy } from '../../api/generated/gateway-api.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { Backend } from '../graph.ts';
import { policyVerdictOf } from './backend-tls.ts';
import { configMapOf, httpRouteOf, messageOf, policyOf, portOf, refTo, ruleOf, serviceOf, tablesOf, toConfigMap } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const ca = authority().certificate;
const web = serviceOf('web', [portOf(80, { name: 'first' }), portOf(81, { name: 'second', appProtocol: 'https' })]);

const nodeWith = (...objects: readonly AnyObject[]) => routeNodeOf(httpRouteOf(ruleOf()), tablesOf(web, ...objects));

const backendAt = (port: number, ...objects: readonly AnyObject[]): Backend | undefined =>
  routeNodeOf(httpRouteOf(ruleOf({ backendRefs: [refTo('web', { port })] })), tablesOf(web, ...objects)).backends[0];

const verdictOf = (policy: BackendTLSPolicy, ...objects: readonly AnyObject[]) =>
  policyVerdictOf(policy, tablesOf(web, policy, ...objects));

describe('a BackendTLSPolicy', () => {
  it('connects its Service by TLS, verified by the bundle of a ConfigMap', () => {
    const node = nodeWith(policyOf('tls', { caCertificateRefs: [toConfigMap('ca')] }), configMapOf('ca', { 'ca.crt': ca }));
    expect(node.backends[0]?.tls).toMatchObject({
      hostname: 'web.example.com',
      subjectAltNames: [],
      verify: { by: 'ca', ca: { type: 'ca', id: 'BackendTLSPolicy/default/tls' } },
      policy: 'BackendTLSPolicy/default/tls',
    });
    expect(node.secrets).toMatchObject([{ id: 'BackendTLSPolicy/default/tls', trustedCa: `${ca.trim()}\n` }]);
  });

  it('takes the bundle of a Secret too', () => {
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'ca', namespace: 'default', generation: 1 },
      type: 'Opaque',
      data: { 'ca.crt': Buffer.from(ca).toString('base64') },
    };
    const policy = policyOf('tls', { caCertificateRefs: [{ group: '', kind: 'Secret', name: 'ca' }] });
    expect(nodeWith(policy, secret).secrets).toHaveLength(1);
  });

  it('may rely on the system, and on names other than the host name', () => {
    const subjectAltNames = [
      { type: 'Hostname', hostname: 'B.example.com' },
      { type: 'URI', uri: 'spiffe://example.com/web' },
    ] as const;
    expect(nodeWith(policyOf('tls', { wellKnownCACertificates: 'System', subjectAltNames })).backends[0]?.tls).toMatchObject({
      verify: { by: 'system' },
      subjectAltNames: [
        { type: 'Hostname', value: 'b.example.com' },
        { type: 'URI', value: 'spiffe://example.com/web' },
      ],
    });
  });

  it('takes the place of what appProtocol alone would do', () => {
    expect(backendAt(81)?.tls?.verify.by).toBe('none');
    expect(backendAt(81, policyOf('tls'))?.tls?.verify.by).toBe('system');
  });

  it('for one port takes precedence over one for the whole Service', () => {
    const policies = [policyOf('a'), policyOf('b', undefined, { sectionName: 'first' })];
    expect(backendAt(80, ...policies)?.tls?.policy).toBe('BackendTLSPolicy/default/b');
    expect(backendAt(81, ...policies)?.tls?.policy).toBe('BackendTLSPolicy/default/a');
  });

  it('of another Service or namespace does not count', () => {
    const elsewhere = policyOf('c');
    const policies = [
      policyOf('b', undefined, { service: 'other' }),
      { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'other' } },
    ];
    expect(backendAt(80, ...policies)?.tls).toBeUndefined();
  });

  it('changes its backend when the content of its bundle changes, and not otherwise', () => {
    const policy = policyOf('tls', { caCertificateRefs: [toConfigMap('ca')] });
    const map = configMapOf('ca', { 'ca.crt': ca });
    const before = backendAt(80, policy, map);
    expect(backendAt(80, policy, map, configMapOf('unrelated', {}))).toBe(before);
    expect(backendAt(80, policy, configMapOf('ca', { 'ca.crt': authority().certificate }))).not.toBe(before);
  });
});

describe('of two policies for one target', () => {
  const older = policyOf('z', undefined, { created: '2024-01-01T00:00:00Z' });
  const younger = policyOf('a', undefined, { created: '2024-01-02T00:00:00Z' });

  it('the older counts, and the other is Conflicted', () => {
    expect(backendAt(80, older, younger)?.tls?.policy).toBe('BackendTLSPolicy/default/z');
    expect(verdictOf(older, younger)).toEqual({});
    expect(verdictOf(younger, older).rejected).toEqual({
      reason: 'Conflicted',
      message: 'spec.targetRefs[0]: BackendTLSPolicy "default/z" takes precedence for Service "default/web"',
    });
  });

  it('the first by name counts when they are equally old', () => {
    expect(verdictOf(policyOf('b'), policyOf('a')).rejected?.reason).toBe('Conflicted');
    expect(verdictOf(policyOf('a'), policyOf('b'))).toEqual({});
  });

  it('neither is in conflict when one is for a port only', () => {
    const section = policyOf('b', undefined, { sectionName: 'first' });
    expect(verdictOf(section, policyOf('a'))).toEqual({});
    expect(verdictOf(policyOf('a'), section)).toEqual({});
  });

  it('an invalid older one is not replaced by a valid younger one', () => {
    const broken = { ...older, spec: { ...older.spec, validation: { hostname: 'a', caCertificateRefs: [toConfigMap('gone')] } } };
    expect(backendAt(80, broken, younger)).toBeUndefined();
  });
});

describe('a policy that cannot be honoured', () => {
  it.each([
    ['a ConfigMap that does not exist', [toConfigMap('gone')], 'InvalidCACertificateRef', 'ConfigMap "default/gone" not found'],
    ['a ConfigMap without ca.crt', [toConfigMap('empty')], 'InvalidCACertificateRef', 'ConfigMap "default/empty" has no key ca.crt'],
    ['text that is no certificate', [toConfigMap('text')], 'InvalidCACertificateRef', 'ca.crt of ConfigMap "default/text" holds no PEM'],
    ['a broken certificate', [toConfigMap('broken')], 'InvalidCACertificateRef', 'cannot be read (number 1)'],
    ['another kind', [{ group: 'a.io', kind: 'Bundle', name: 'b' }], 'InvalidKind', 'kind Bundle of group "a.io"'],
  ])('because of %s is not accepted, and its backend is not spoken to', (_what, caCertificateRefs, reason, message) => {
    const policy = policyOf('tls', { caCertificateRefs });
    const maps = [
      configMapOf('empty', {}),
      configMapOf('text', { 'ca.crt': '' }),
      configMapOf('broken', { 'ca.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }),
    ];
    const verdict = verdictOf(policy, ...maps);
    expect(verdict.rejected?.reason).toBe('NoValidCACertificate');
    expect(verdict.unresolved?.reason).toBe(reason);
    expect(messageOf(verdict.unresolved)).toContain('spec.validation.caCertificateRefs[0]: ');
    expect(messageOf(verdict.unresolved)).toContain(message);
    const node = nodeWith(policy, ...maps);
    expect(node.backends).toEqual([]);
    expect(node.entries[0]?.rule.action).toEqual({ kind: 'respond', status: 500 });
    expect(node.unresolved?.reason).toBe('InvalidBackendTLS');
    expect(messageOf(node.unresolved)).toContain('BackendTLSPolicy "default/tls" cannot be honoured');
  });

  it('because of certificates it does not know is Invalid', () => {
    const policy = policyOf('tls', { wellKnownCACertificates: 'example.com/own' });
    expect(verdictOf(policy).rejected?.reason).toBe('Invalid');
    expect(nodeWith(policy).backends).toEqual([]);
  });

  it('in part stands on the certificates that are valid, and says which are not', () => {
    const policy = policyOf('tls', { caCertificateRefs: [toConfigMap('gone'), toConfigMap('ca')] });
    const map = configMapOf('ca', { 'ca.crt': `# ours\n${ca}` });
    expect(verdictOf(policy, map)).toMatchObject({ unresolved: { reason: 'InvalidCACertificateRef' } });
    expect(verdictOf(policy, map)).not.toHaveProperty('rejected');
    expect(nodeWith(policy, map).secrets).toMatchObject([{ trustedCa: `${ca.trim()}\n` }]);
  });

  it.each([
    ['a Service that does not exist', { service: 'gone' }, 'Service "default/gone" not found'],
    ['a port that does not exist', { sectionName: 'third' }, 'has no port named "third"'],
  ])('because its target is %s is TargetNotFound', (_what, parts, message) => {
    const { rejected } = verdictOf(policyOf('tls', undefined, parts));
    expect(rejected?.reason).toBe('TargetNotFound');
    expect(messageOf(rejected)).toContain(message);
  });
});
