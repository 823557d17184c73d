/**
 * What makes DNS records of a Gateway that is shared with a tailnet reads: the status that a real API server holds. With the path of an ExternalDNS in
 * EXTERNAL_DNS (`go install sigs.k8s.io/external-dns@v0.21.0`) the records that it makes of that are looked at, too.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { certificateFor } from '../support/certificates.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { installation, read, Replica, writeStatus } from '../support/kube-world.ts';
import { freePort } from '../support/ports.ts';
import { eventually } from '../support/world.ts';

type Addressed = KubeObject & { readonly status?: { readonly addresses?: readonly { readonly value: string }[] } };

const root = join(import.meta.dirname, '../..');
const externalDns = process.env['EXTERNAL_DNS'];
const ownAddress = '192.0.2.1';

describe.skipIf(!hasApiServer)('custom domains of a shared Gateway', () => {
  let cluster: TestApiServer;
  let replica: Replica;
  let simulator: ChildProcess;
  const apply = (yaml: string): Promise<void> => cluster.apply(parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject));
  const addresses = async (): Promise<readonly string[]> =>
    ((await read(cluster.api, 'Gateway', 'default', 'edge')) as Addressed).status?.addresses?.map(({ value }) => value) ?? [];

  beforeAll(async () => {
    const port = await freePort();
    const program = [join(root, 'src/main.ts'), 'simulate', '--address', `127.0.0.1:${port}`];
    simulator = spawn(process.execPath, program, { stdio: 'ignore' });
    cluster = await startApiServer();
    await cluster.apply(await installation());
    await apply(world(port));
    replica = await Replica.start(cluster, { tailnetInterval: '500ms' });
    await eventually(
      () => read(cluster.api, 'Service', 'default', 'edge-tailplane'),
      (service) => service !== undefined,
    );
    await writeStatus(cluster.api, 'Service', 'default', 'edge-tailplane', { loadBalancer: { ingress: [{ ip: ownAddress }] } });
  });
  afterAll(async () => {
    await replica?.server.stop();
    await cluster?.stop();
    if (simulator?.kill()) await once(simulator, 'close');
  });

  /** Name, type and target of the records that ExternalDNS makes of the cluster as it is. */
  const records = async (program: string): Promise<readonly string[]> => {
    const flags = ['--source=gateway-httproute', '--provider=inmemory', '--inmemory-zone=example.com', '--registry=noop', '--once'];
    const { stderr } = await promisify(execFile)(program, [...flags, `--kubeconfig=${cluster.kubeconfig}`]);
    return [...stderr.matchAll(/CREATE: (\S+) \d+ IN (\S+) {2}(\S+)/g)].map(([, ...record]) => record.join(' ')).toSorted();
  };

  it('lead to the service of all routes where its addresses take the place of the Gateway’s own', async () => {
    await apply(share('scope: RouteAndGateway, gatewayAddresses: Replace'));
    const [ipv4 = '', ipv6 = '', name] = await eventually(addresses, (values) => values.length === 3);
    expect(name).toBe('edge.simulated.ts.net');
    expect(ipv4).toMatch(/^100\./);
    expect(ipv6).toMatch(/^fd7a:115c:a1e0:/);
    if (externalDns === undefined) return;
    const expected = ['api', 'web'].flatMap((host) => [`${host}.example.com A ${ipv4}`, `${host}.example.com AAAA ${ipv6}`]);
    expect(await records(externalDns)).toEqual(expected);
  });

  it('lead to the Gateway itself where that is asked for', async () => {
    await apply(share('scope: RouteAndGateway, gatewayAddresses: Omit'));
    expect(await eventually(addresses, (values) => values.length === 1)).toEqual([ownAddress]);
    if (externalDns === undefined) return;
    expect(await records(externalDns)).toEqual(['api', 'web'].map((host) => `${host}.example.com A ${ownAddress}`));
  });
});

const routeOf = (name: string): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec: { parentRefs: [{ name: edge }], hostnames: [${name}.example.com], rules: [{ backendRefs: [{ name: app, port: 80 }] }] }
`;

const share = (services: string): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: share, namespace: default }
spec: { gatewayRef: { name: edge }, tailnets: [{ name: prod, tailscaleTailnetRef: { name: prod }, services: { ${services} } }] }
`;

const world = (simulator: number): string => {
  const { certificate, privateKey } = certificateFor(['*.example.com']);
  return `
apiVersion: v1
kind: Secret
metadata: { name: tailscale-oauth, namespace: tailplane-system }
stringData: { client_id: simulated, client_secret: simulated }
---
apiVersion: v1
kind: Secret
metadata: { name: cert, namespace: default }
type: kubernetes.io/tls
data: { tls.crt: ${btoa(certificate)}, tls.key: ${btoa(privateKey)} }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: prod }
spec: { oauthSecretName: tailscale-oauth, apiURL: 'http://127.0.0.1:${simulator}' }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: tailplane
  listeners: [{ name: https, protocol: HTTPS, port: 443, hostname: '*.example.com', tls: { certificateRefs: [{ name: cert }] } }]
${['web', 'api'].map(routeOf).join('')}`;
};
