/** What the translation says, said by real requests through a real Envoy: the claims that accepting a configuration does not prove. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/model/build.ts';
import { readDirectory } from '../../src/sources/directory/read-directory.ts';
import { translator } from '../../xds/translate/translate.ts';
import { certificateFor } from '../support/certificates.ts';
import { staticBootstrapFrom } from '../support/envoy-validate.ts';
import { envoy, type RunningEnvoy, startEnvoy } from '../support/envoy.ts';

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };
type Seen = { readonly backend: string; readonly path: string; readonly headers: IncomingHttpHeaders };

/** Answers what it was asked, and keeps it in `seen`; `/slow` never answers. As `auth` it lets in who says so. */
const backend = async (name: string, seen: Seen[]): Promise<Server> => {
  const server = createServer((asked, answer) => {
    const one = { backend: name, path: asked.url ?? '', headers: asked.headers };
    seen.push(one);
    if (one.path.startsWith('/slow')) return;
    if (name === 'auth') answer.setHeader('x-user', 'ann').writeHead(asked.headers['authorization'] === 'yes' ? 200 : 403);
    answer.end(JSON.stringify(one));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const service = (name: string, port: number, protocol: 'TCP' | 'UDP' = 'TCP'): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ port: 80, protocol: ${protocol} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: "", port: ${port}, protocol: ${protocol} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
---`;

const configuration = (ports: Readonly<Record<string, number>>, certificate: string, privateKey: string): string => `
${service('app', ports['app'] ?? 0)}${service('canary', ports['canary'] ?? 0)}${service('auth', ports['auth'] ?? 0)}
${service('heads', ports['heads'] ?? 0, 'UDP')}${service('tails', ports['tails'] ?? 0, 'UDP')}
apiVersion: v1
kind: Secret
metadata: { name: certificate }
type: kubernetes.io/tls
stringData: ${JSON.stringify({ 'tls.crt': certificate, 'tls.key': privateKey })}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: gateway.tailscale.com/tailplane }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  gatewayClassName: tailplane
  addresses: [{ value: 127.0.0.1 }]
  listeners:
    - { name: http, port: 80, protocol: HTTP }
    - { name: alt, port: 8080, protocol: HTTP }
    - { name: a, port: 443, protocol: HTTPS, hostname: a.example, tls: { certificateRefs: [{ name: certificate }] } }
    - { name: b, port: 443, protocol: HTTPS, hostname: b.example, tls: { certificateRefs: [{ name: certificate }] } }
    - { name: closed, port: 5432, protocol: TCP }
    - { name: dice, port: 53, protocol: UDP }
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: dice }
spec:
  parentRefs: [{ name: edge }]
  rules: [{ backendRefs: [{ name: heads, port: 80, weight: 1 }, { name: tails, port: 80, weight: 1 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: routes }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - matches: [{ path: { value: /to-https } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: https } }]
    - matches: [{ path: { value: /moved } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }]
    - matches: [{ path: { value: /strip } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }]
      backendRefs: [{ name: app, port: 80 }]
    - matches: [{ path: { value: /half } }]
      backendRefs: [{ name: app, port: 80 }, { name: nowhere, port: 80 }]
    - matches: [{ path: { value: /post }, method: POST }]
      filters: [{ type: CORS, cors: { allowOrigins: ["https://*.example.com"], allowMethods: [POST], allowHeaders: [x-a] } }]
      backendRefs: [{ name: app, port: 80 }]
    - matches: [{ path: { value: /guarded } }]
      filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: auth, port: 80 }, http: { path: /check } } }]
      backendRefs: [{ name: app, port: 80 }]
    - matches: [{ path: { value: /mirrored } }]
      backendRefs:
        - { name: app, port: 80, filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: canary, port: 80 } } }] }
        - { name: auth, port: 80 }
    - matches: [{ path: { value: /slow } }]
      timeouts: { backendRequest: 50ms }
      backendRefs: [{ name: app, port: 80 }]
    - matches: [{ path: { value: /session } }]
      sessionPersistence: { sessionName: session }
      backendRefs: [{ name: app, port: 80 }]
    - matches: [{ path: { value: /percent } }]
      filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-percent, value: "%PROTOCOL% 5%" }] } }]
      backendRefs: [{ name: app, port: 80 }]
    - matches: [{ path: { value: /plain } }]
      backendRefs: [{ name: app, port: 80 }]
`;

describe.skipIf(envoy === undefined)('traffic through a translated configuration', () => {
  const seen: Seen[] = [];
  const servers: Server[] = [];
  const sockets = ['heads', 'tails'].map((name) => {
    const socket = createSocket('udp4');
    return { name, socket: socket.on('message', (_, { port, address }) => socket.send(name, port, address)) };
  });
  let proxy: RunningEnvoy;
  let dir: string;
  const bound = new Map<string, number>();

  beforeAll(async () => {
    const ports: Record<string, number> = {};
    for (const name of ['app', 'canary', 'auth']) {
      const server = await backend(name, seen);
      servers.push(server);
      ports[name] = (server.address() as AddressInfo).port;
    }
    for (const { name, socket } of sockets) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      ports[name] = socket.address().port;
    }
    dir = await mkdtemp(join(tmpdir(), 'tailplane-traffic-'));
    const { certificate, privateKey } = certificateFor(['a.example', 'b.example']);
    const file = join(dir, 'config.yaml');
    await writeFile(file, configuration(ports, certificate, privateKey), { mode: 0o600 });
    const { objects, problems } = readDirectory([file]);
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    const graph = graphBuilder({ privilegedPorts: true, exclusivePorts: true, defaultAddresses: [] })(objects);
    const resources = translator()(graph).get('default/edge');
    if (resources === undefined) throw new Error('unreachable: the Gateway is accepted');
    const bootstrap = JSON.stringify({
      ...staticBootstrapFrom(resources),
      admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
    }).replaceAll(/("address":"127.0.0.1","portValue":)(80|8080|443|5432|53)\b/g, '$10');
    proxy = await startEnvoy({ bootstrap });
    await proxy.live();
    const { listener_statuses: statuses } = JSON.parse(await proxy.admin('/listeners?format=json')) as {
      listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
    };
    for (const { name, local_address: address } of statuses) bound.set(name, address.socket_address.port_value);
  });

  afterAll(async () => {
    await proxy?.stop();
    for (const server of servers) server.close();
    for (const { socket } of sockets) socket.close();
    if (dir !== undefined) await rm(dir, { recursive: true });
  });

  const answered = async (asking: ReturnType<typeof request>): Promise<Answer> => {
    const [answer] = (await once(asking.end(), 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
  };
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET', listener = 'tcp/80'): Promise<Answer> =>
    answered(request({ host: '127.0.0.1', port: bound.get(listener), path, method, headers, agent: false }));
  const asks = async (times: number, path: string): Promise<readonly Answer[]> =>
    Promise.all(Array.from({ length: times }, async () => ask(path)));
  const seenBy = ({ body }: Answer): Seen => JSON.parse(body) as Seen;

  it.each([
    ['/to-https/a?b=c', 'a.example', 'https://a.example/to-https/a?b=c'],
    ['/to-https', 'a.example:80', 'https://a.example/to-https'],
    ['/to-https', 'a.example:10080', 'https://a.example:443/to-https'],
    ['/moved/x/y', 'a.example', 'http://a.example/x/y'],
    ['/moved', 'a.example', 'http://a.example/'],
  ])('sends %s of %s to %s', async (path, host, location) => {
    expect((await ask(path, { host })).headers.location).toBe(location);
  });

  it('redirects to the port of the listener where that goes not without saying', async () => {
    expect((await ask('/moved/x', { host: 'a.example' }, 'GET', 'tcp/8080')).headers.location).toBe('http://a.example:8080/x');
  });

  it.each([
    ['/strip/me', '/me'],
    ['/strip', '/'],
    ['/strip/', '/'],
    ['/strip?q=1', '/?q=1'],
  ])('asks the backend of %s for %s, and leaves its Host alone', async (path, expected) => {
    const { path: got, headers } = seenBy(await ask(path, { host: 'a.example:1234' }));
    expect([got, headers.host]).toEqual([expected, 'a.example:1234']);
  });

  it('answers 500 for the share that has no backend', async () => {
    const statuses = (await asks(60, '/half')).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
  });

  it('answers preflights of a route that matches by method, for the origins it allows', async () => {
    const preflight = async (origin: string): Promise<Answer> =>
      ask('/post', { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a' }, 'OPTIONS');
    expect(await preflight('https://a.example.com')).toMatchObject({
      status: 200,
      headers: { 'access-control-allow-origin': 'https://a.example.com', 'access-control-allow-methods': 'POST' },
    });
    expect((await preflight('https://example.org')).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('asks an authorization server for the routes that want it, and for no others', async () => {
    expect((await ask('/guarded')).status).toBe(403);
    const allowed = await ask('/guarded', { authorization: 'yes' });
    expect([allowed.status, seenBy(allowed).headers['x-user']]).toEqual([200, 'ann']);
    expect(seen.filter(({ backend: name }) => name === 'auth').map(({ path }) => path)).toEqual(['/check/guarded', '/check/guarded']);
    expect(seenBy(await ask('/plain', { authorization: 'yes' })).headers['x-user']).toBeUndefined();
  });

  it('mirrors the requests of one share, and only those', async () => {
    const shares = (await asks(40, '/mirrored')).map((answer) => (answer.status === 200 ? seenBy(answer).backend : 'auth'));
    const toApp = shares.filter((name) => name === 'app').length;
    expect(toApp).toBeGreaterThan(0);
    expect(toApp).toBeLessThan(40);
    await expect.poll(() => seen.filter(({ backend: name }) => name === 'canary').length).toBe(toApp);
  });

  it('gives up on a backend that takes longer than the rule allows', async () => {
    expect((await ask('/slow')).status).toBe(504);
  });

  it('hands out a session cookie on the routes that want one', async () => {
    expect((await ask('/session')).headers['set-cookie']?.[0]).toMatch(/^session=.*Path=\/.*HttpOnly/i);
    expect((await ask('/plain')).headers['set-cookie']).toBeUndefined();
  });

  it('takes percent signs in header values as text', async () => {
    expect(seenBy(await ask('/percent')).headers['x-percent']).toBe('%PROTOCOL% 5%');
  });

  it('refuses hosts that another listener serves, on a connection made for this one', async () => {
    const over = async (servername: string, host: string): Promise<number> => {
      const options = {
        host: '127.0.0.1',
        port: bound.get('tcp/443'),
        path: '/plain',
        servername,
        headers: { host },
        agent: false as const,
      };
      return (await answered(secureRequest({ ...options, rejectUnauthorized: false }))).status;
    };
    expect([await over('a.example', 'a.example'), await over('a.example', 'b.example'), await over('a.example', 'c.example')]).toEqual([
      200, 421, 404,
    ]);
  });

  it('closes connections to a TCP listener that no route is attached to', async () => {
    const socket = connect(bound.get('tcp/5432') ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });

  it('spreads sessions of a UDP route over its backends', async () => {
    const throws = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const client = createSocket('udp4');
        client.send('?', bound.get('udp/53') ?? 0, '127.0.0.1');
        const [answer] = (await once(client, 'message')) as [Buffer];
        client.close();
        return answer.toString();
      }),
    );
    expect(new Set(throws)).toEqual(new Set(['heads', 'tails']));
  });
});
