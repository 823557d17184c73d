import { describe, expect, it } from 'vitest';
import { objectsIn, objectsOf } from '../../../test/support/gateway-api.ts';
import { referencesIn } from './references.ts';

const ours = 'example.com/ours';
const classes = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: ours }
spec: { controllerName: ${ours} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: theirs }
spec: { controllerName: example.com/theirs }
---`;

const references = (yaml: string): readonly string[] =>
  [...referencesIn(objectsOf(objectsIn(`${classes}${yaml}`)), ours, 'tailplane-system')].toSorted();

const gateway = (spec: string, gatewayClass = 'ours'): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw, namespace: web }
spec: { gatewayClassName: ${gatewayClass}, ${spec} }
---`;
const https = (ref: string): string => `listeners: [{ name: a, port: 443, protocol: HTTPS, tls: { certificateRefs: [${ref}] } }]`;
const listenerSet = `
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: set, namespace: shop }
spec: { parentRef: { name: gw, namespace: web }, listeners: [{ name: b, port: 444, protocol: HTTPS, tls: { certificateRefs: [{ name: cert }] } }] }
---`;

describe('referred to are', () => {
  it('certificates of listeners, in the namespace they name or their own', () => {
    expect(references(gateway(https('{ name: here }, { name: there, namespace: certs }')))).toEqual([
      'Secret/certs/there',
      'Secret/web/here',
    ]);
  });

  it('certificates of ListenerSets of our Gateways', () => {
    expect(references(gateway(https('{ name: here }')) + listenerSet)).toEqual(['Secret/shop/cert', 'Secret/web/here']);
  });

  it('CA bundles for clients, of every port, and the certificate for backends', () => {
    const validation = (ref: string): string => `validation: { caCertificateRefs: [${ref}] }`;
    const configMap = (name: string): string => `{ group: '', kind: ConfigMap, name: ${name} }`;
    const frontend = `frontend: { default: { ${validation(configMap('all'))} }, perPort: [{ port: 444, tls: { ${validation("{ group: '', kind: Secret, name: some }")} } }] }`;
    const tls = `tls: { ${frontend}, backend: { clientCertificateRef: { name: client, namespace: certs } } }`;
    expect(references(gateway(`${https('{ name: here }')}, ${tls}`))).toEqual([
      'ConfigMap/web/all',
      'Secret/certs/client',
      'Secret/web/here',
      'Secret/web/some',
    ]);
  });

  it('CA bundles of BackendTLSPolicies', () => {
    expect(
      references(`
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: policy, namespace: web }
spec:
  targetRefs: [{ group: '', kind: Service, name: shop }]
  validation: { hostname: shop.example, caCertificateRefs: [{ group: '', kind: ConfigMap, name: ca }, { group: '', kind: Secret, name: ca }] }
`),
    ).toEqual(['ConfigMap/web/ca', 'Secret/web/ca']);
  });

  it("a tailnet's credentials, in the namespace it names or in ours", () => {
    const tailnet = (name: string, spec: string): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: ${name} }
spec: { oauthSecretName: oauth${spec} }
---`;
    expect(references(tailnet('a', '') + tailnet('b', ', oauthSecretNamespace: infra'))).toEqual([
      'Secret/infra/oauth',
      'Secret/tailplane-system/oauth',
    ]);
  });
});

describe('not referred to are', () => {
  it("what Gateways and ListenerSets of somebody else's class name", () => {
    expect(references(gateway(https('{ name: here }'), 'theirs') + listenerSet)).toEqual([]);
    expect(references(gateway(https('{ name: here }'), 'unknown'))).toEqual([]);
    expect(references(listenerSet)).toEqual([]);
  });

  it('objects of other kinds', () => {
    expect(references(gateway(https('{ group: example.com, kind: Certificate, name: here }')))).toEqual([]);
  });

  it('names that no object can have, which would lead elsewhere in a path', () => {
    expect(references(gateway(https('{ name: ../../other/secrets/key }, { name: a/b }, { name: .. }, { name: "a?b" }')))).toEqual([]);
  });
});
