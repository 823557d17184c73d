/** Certificates that proxies leave in Secrets, from a real API server to what Envoy is told. */
import type { Subscription } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { certificateSecretFrom } from '../../controllers/proxies/objects/certificates.ts';
import { graphBuilder, controllerName } from '../../src/model/build.ts';
import type { Graph } from '../../src/model/graph.ts';
import { kubernetesSource } from '../../src/sources/kubernetes/kubernetes-source.ts';
import type { SourceState } from '../../src/sources/source.ts';
import type { Resources } from '../../xds/resources.ts';
import { translator } from '../../xds/translate/translate.ts';
import { certificateFor } from '../support/certificates.ts';
import { tlsSecret } from '../support/gateway-api.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { edge, entrancesOf, observed, options, route, share, tailnet } from '../support/shared-gateway.ts';

const dnsName = 'web.tail1.ts.net';
const secrets = '/api/v1/namespaces/default/secrets';
const world = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: ${controllerName} }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: prod }
spec: { oauthSecretName: prod }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { ports: [{ port: 80 }] }
---
`;

describe.skipIf(!hasApiServer)('the certificate of a MagicDNS name', () => {
  let server: TestApiServer;
  const subscriptions: Subscription[] = [];
  beforeAll(async () => {
    server = await startApiServer();
    await server.apply(world + edge + share('share', tailnet('prod', 'certificate: MagicDNS')) + route('HTTPRoute', 'web'));
    await server.apply(tlsSecret('stranger', 'stranger.example'));
  });
  afterEach(() => {
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
  });
  afterAll(() => server.stop());

  /** Everything from the source to what Envoy is told, with a tailnet whose suffix is known. */
  const start = () => {
    const build = graphBuilder(options);
    const translate = translator();
    const told: { readonly state: SourceState; readonly graph: Graph; readonly resources: Resources | undefined }[] = [];
    let wake = (): void => undefined;
    subscriptions.push(
      kubernetesSource({ api: server.api, controllerName }).state$.subscribe((state) => {
        const graph = build(state.objects, observed());
        told.push({ state, graph, resources: translate(graph).get('default/edge') });
        wake();
      }),
    );
    const until = async (holds: (now: (typeof told)[number]) => boolean) => {
      for (;;) {
        const now = told.at(-1);
        if (now !== undefined && now.state.health.synced && holds(now)) return now;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    return { until };
  };
  const leave = async (pair: Pick<ReturnType<typeof certificateFor>, 'certificate' | 'privateKey'>): Promise<void> => {
    await server.api.request({
      method: 'PATCH',
      path: `${secrets}/${dnsName}`,
      contentType: 'application/merge-patch+json',
      body: { data: { 'tls.crt': base64(pair.certificate), 'tls.key': base64(pair.privateKey) } },
    });
  };

  it('is used once proxies left it in the Secret made for it, is renewed by SDS alone, and goes with the Secret', async () => {
    const { until } = start();
    const [first, second] = [certificateFor([dnsName]), certificateFor([dnsName])];
    const before = await until(({ graph }) => graph.proxySets.has('default/share-prod-ingress'));
    expect(entrancesOf(before.graph)).toEqual([]);
    const set = before.graph.proxySets.get('default/share-prod-ingress');
    if (set === undefined) throw new Error('no proxies');
    expect(set.services.get('svc:web')?.certificate).toBe(dnsName);

    await server.apply([certificateSecretFrom(set, 'c0ffee00-0000-4000-8000-000000000000', dnsName)]);
    const empty = await until(({ state }) => state.objects.Secret.has(`default/${dnsName}`));
    expect(entrancesOf(empty.graph)).toEqual([]);
    expect(empty.state.objects.Secret.has('default/stranger')).toBe(false);
    expect(empty.state.problems).toEqual([]);

    await leave(first);
    const served = await until(({ graph }) => entrancesOf(graph).length > 0);
    expect(entrancesOf(served.graph).map(({ port }) => port)).toEqual([443, 80]);
    expect(JSON.stringify([...(served.resources?.Secret.values() ?? [])])).toContain(JSON.stringify(first.certificate).slice(1, -1));

    await leave(second);
    const renewed = await until(
      ({ state }) => state.objects.Secret.get(`default/${dnsName}`)?.data?.['tls.crt'] === base64(second.certificate),
    );
    expect(changedTypes(served.resources, renewed.resources)).toEqual(['Secret']);

    await server.api.request({ method: 'DELETE', path: `${secrets}/${dnsName}` });
    const gone = await until(({ state }) => !state.objects.Secret.has(`default/${dnsName}`));
    expect(entrancesOf(gone.graph)).toEqual([]);
  });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const changedTypes = (one: Resources | undefined, other: Resources | undefined): readonly string[] => {
  if (one === undefined || other === undefined) throw new Error('no resources');
  const shown = (resources: ReadonlyMap<string, unknown>): string => JSON.stringify([...resources]);
  return (Object.keys(one) as (keyof Resources)[]).filter((type) => shown(one[type]) !== shown(other[type]));
};
