import { describe, expect, it } from 'vitest';
import { objectsIn } from '../../../test/support/gateway-api.ts';
import { graphOf, observed, route, share, tailnet } from '../../../test/support/shared-gateway.ts';
import type { AnyObject } from '../../api/kinds.ts';

/** Service `v2` beside `web`, and the endpoints of both. */
const backends = (ready: { readonly web: boolean; readonly v2: boolean }): readonly AnyObject[] =>
  objectsIn(
    `apiVersion: v1
kind: Service
metadata: { name: v2, namespace: default }
spec: { ports: [{ port: 80 }] }
` +
      Object.entries(ready)
        .map(
          ([name, is]) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: 80 }]
endpoints: [{ addresses: [10.0.0.1], conditions: { ready: ${is} } }]
`,
        )
        .join(''),
  );

const policy = (rule: string): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: turn, namespace: default }
spec: { targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: web }], rules: [${rule}] }
---
`;
const toV2 = policy('{ actions: { route: { backendRefs: [{ name: v2, port: 80 }] } } }');
const web = share() + route('HTTPRoute', 'web', '', '', 'default', 'https');

const isOffered = (yaml: string, ready: { readonly web: boolean; readonly v2: boolean }): boolean | undefined =>
  graphOf(yaml, observed(), ...backends(ready))
    .proxySets.get('default/share-prod-ingress')
    ?.services.get('svc:web')?.wanted;

describe('a service is offered while something works', () => {
  it.each([
    ['of what its route says', web, { web: true, v2: false }, true],
    ['of what its route says, or is not', web, { web: false, v2: true }, false],
    ['of what a policy says instead', web + toV2, { web: false, v2: true }, true],
    ['of what a policy says instead, or is not', web + toV2, { web: true, v2: false }, false],
    [
      'of what a policy says for some of the requests',
      web + policy('{ matches: [{ path: { value: /v2 } }], actions: { route: { backendRefs: [{ name: v2, port: 80 }] } } }'),
      { web: false, v2: true },
      true,
    ],
    [
      'by itself, as a redirect of a policy does',
      web + policy('{ actions: { redirect: { hostname: b.example } } }'),
      { web: false, v2: false },
      true,
    ],
    ['of where bytes go', share() + route('TCPRoute', 'web', '', '', 'default', 'ssh'), { web: true, v2: false }, true],
    ['of where bytes go, or is not', share() + route('TCPRoute', 'web', '', '', 'default', 'ssh'), { web: false, v2: true }, false],
    ['of where TLS goes, or is not', share() + route('TLSRoute', 'web', 'hostnames: [a.example]'), { web: false, v2: true }, false],
  ] as const)('%s', (_, yaml, ready, offered) => {
    expect(isOffered(yaml, ready)).toBe(offered);
  });

  it('of any of the routes that it stands for', () => {
    const both = share('share', tailnet('prod', 'scope: Gateway')) + route('HTTPRoute', 'web', '', '', 'default', 'https');
    const api = route('HTTPRoute', 'api', '', '', 'default', 'https').replace('name: web, port: 80', 'name: v2, port: 80');
    const wanted = (ready: { readonly web: boolean; readonly v2: boolean }) =>
      graphOf(both + api, observed(), ...backends(ready))
        .proxySets.get('default/share-prod-ingress')
        ?.services.get('svc:edge')?.wanted;
    expect([wanted({ web: false, v2: true }), wanted({ web: true, v2: false }), wanted({ web: false, v2: false })]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
