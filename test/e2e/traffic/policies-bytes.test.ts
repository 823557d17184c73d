/** Policies that ask who sends bytes, from YAML to a real Envoy; an imitation of the ingress proxies brings the peers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KnownTailnet } from '../../../src/api/observations.ts';
import { graphBuilder } from '../../../src/model/build.ts';
import type { Graph } from '../../../src/model/graph.ts';
import { deviceOf, observationsOf, stateOf } from '../../../src/model/tailnets/fixtures.ts';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { objectsIn, objectsOf } from '../../support/gateway-api.ts';
import { type IngressProxy, startIngressProxy } from '../../support/ingress-proxy.ts';
import { freePorts } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import { type Backend, tcpEcho, tlsEcho } from './backends.ts';
import { tcpExchange, tlsExchange } from './clients.ts';
import { stopAll } from './scene.ts';

/** Each is a listener, a route on it, a backend, and a service of the tailnet. */
const names = ['routed', 'open', 'listened', 'denied', 'vault'] as const;
type Name = (typeof names)[number];

const admin = '100.64.0.1';
const ann = '100.64.0.2';
const stranger = '100.64.0.9';
const devices = [deviceOf('console', admin, { tags: ['tag:admin'] }), deviceOf('laptop', ann, { user: 'ann@example.com' })];

const shared = `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: prod }
spec: { oauthSecretName: oauth }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: share, namespace: default }
spec:
  gatewayRef: { name: edge }
  tailnets: [{ name: prod, tailscaleTailnetRef: { name: prod }, services: {}, routeGeneration: { ingress: {} } }]
`;

const policy = (name: string, target: string, identity: string): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: ${name}, namespace: default }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, ${target} }]
  rules: [{ actions: { identity: { ${identity} } } }]
`;
const admins = 'allow: { tags: ["tag:admin"] }';
const policies = [
  policy('routed', 'kind: TCPRoute, name: routed', admins),
  policy('listened', 'kind: Gateway, name: edge, sectionName: listened', admins),
  policy('denied', 'kind: TCPRoute, name: denied', 'deny: { groups: ["group:contractors"] }'),
  policy('vault', 'kind: TLSRoute, name: vault', admins),
].join('');

describe.skipIf(envoy === undefined)('policies that ask who sends bytes', () => {
  const ca = authority('servers');
  const toVault = { ca: ca.certificate, servername: 'vault.example' };
  const build = graphBuilder({
    privilegedPorts: true,
    exclusivePorts: true,
    defaultAddresses: ['127.0.0.1'],
    ingressProxyRanges: ['127.0.0.1'],
  });
  const backends: Backend[] = [];
  const opened: IngressProxy[] = [];
  /** Of the Gateway's own listeners, and of the entrances from the tailnet. */
  const ports = { own: new Map<Name, number>(), entrance: new Map<string, number>() };
  let fleet: Fleet;

  beforeAll(async () => {
    const free = await freePorts(2 * names.length);
    for (const [index, name] of names.entries()) {
      ports.own.set(name, free[index] ?? 0);
      ports.entrance.set(`svc:${name}`, free[names.length + index] ?? 0);
      backends.push(name === 'vault' ? await tlsEcho(name, certificateFor(['vault.example'], ca)) : await tcpEcho(name));
    }
    fleet = await startFleet();
    await fleet.applyGraph(graphFor(policies));
  });
  afterAll(async () => {
    for (const proxy of opened) await proxy.stop();
    await fleet?.stop();
    await stopAll(backends);
  });

  const graphFor = (yaml: string, known: Partial<KnownTailnet> = {}): Graph => {
    const listeners = names.map((name) => {
      const protocol = name === 'vault' ? 'protocol: TLS, tls: { mode: Passthrough }' : 'protocol: TCP';
      return `name: ${name}, ${protocol}, port: ${ports.own.get(name)}`;
    });
    const routes = names.map((name) => {
      const more = name === 'vault' ? ', hostnames: [vault.example]' : '';
      return route(
        name === 'vault' ? 'TLSRoute' : 'TCPRoute',
        name,
        `rules: [{ backendRefs: [{ name: ${name}, port: 80 }] }]${more}`,
        name,
      );
    });
    const services = backends.map(({ name, port }) => service(name, [port]));
    const objects = objectsOf(objectsIn([edge(...listeners), ...routes, ...services, shared, yaml].join('')));
    const state = stateOf(devices);
    const graph = build(objects, observationsOf([{ ...state, known: { ...(state.known as KnownTailnet), ...known } }]));
    return { ...graph, gateways: new Map([...graph.gateways].map(([key, gateway]) => [key, onFreePorts(gateway)])) };
  };
  type Gateway = Graph['gateways'] extends ReadonlyMap<string, infer Node> ? Node : never;
  const onFreePorts = (gateway: Gateway): Gateway => ({
    ...gateway,
    sockets: gateway.sockets.map((socket) => ({
      ...socket,
      boundPort: ports.entrance.get(socket.tailnet?.service ?? '') ?? socket.boundPort,
    })),
  });

  const answer = async (name: Name, port: number): Promise<string> => {
    const answered = name === 'vault' ? tlsExchange(port, toVault) : tcpExchange(port);
    return answered.then(
      (text) => (text === `${name}:hello` ? 'in' : `closed${text}`),
      () => 'closed',
    );
  };
  /** What becomes of the admin, of Ann, of a peer that the tailnet does not know, and of a client of the Gateway's own listener. */
  const outcomes = async (name: Name) => {
    const through = async (peer: string): Promise<string> => {
      const proxy = await startIngressProxy({ to: ports.entrance.get(`svc:${name}`) ?? 0, peer });
      opened.push(proxy);
      return answer(name, proxy.port);
    };
    return {
      admin: await through(admin),
      ann: await through(ann),
      stranger: await through(stranger),
      outside: await answer(name, ports.own.get(name) ?? 0),
    };
  };
  const adminsOnly = { admin: 'in', ann: 'closed', stranger: 'closed', outside: 'closed' };
  const everybody = { admin: 'in', ann: 'in', stranger: 'in', outside: 'in' };
  const nobody = { admin: 'closed', ann: 'closed', stranger: 'closed', outside: 'closed' };

  it('and stand on a TCPRoute fence it, and no other', async () => {
    expect(await outcomes('routed')).toEqual(adminsOnly);
    expect(await outcomes('open')).toEqual(everybody);
  });

  it('and stand on a listener fence what comes from a tailnet to its routes', async () => {
    expect(await outcomes('listened')).toEqual(adminsOnly);
  });

  it('and stand on a TLSRoute fence what is passed through', async () => {
    expect(await outcomes('vault')).toEqual(adminsOnly);
  });

  it('let nobody in whom they may deny by a group, until groups can be read', async () => {
    expect(await outcomes('denied')).toEqual(nobody);
    await fleet.applyGraph(graphFor(policies, { groups: new Map([['group:contractors', ['ann@example.com']]]) }));
    expect(await outcomes('denied')).toEqual({ ...nobody, admin: 'in' });
  });

  it('leave everything open once they are gone', async () => {
    await fleet.applyGraph(graphFor(''));
    for (const name of names) expect(await outcomes(name)).toEqual(everybody);
  });
});
