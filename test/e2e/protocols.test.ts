import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect as tcpConnect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls';
import { Client, credentials, Server as GrpcServer, ServerCredentials, status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../support/certificates.ts';
import { envoy } from '../support/envoy.ts';
import { ask, type Backend, startBackend } from '../support/http.ts';
import { freePorts } from '../support/ports.ts';
import { edge, route, service, startWorld, type World } from '../support/world.ts';

const ca = authority();
const shop = certificateFor(['shop.example'], ca);
const wildcard = certificateFor(['*.apps.example'], ca);
const db = certificateFor(['db.example'], ca);

const secret = (name: string, { certificate, privateKey }: { certificate: string; privateKey: string }): string => `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: default }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey)} }
`;

/** Sends back what it gets, in upper case and after its name. */
const shouting = (name: string) => (socket: Socket) =>
  socket.on('error', () => undefined).on('data', (data) => socket.write(`${name} ${String(data).toUpperCase()}`));

const listening = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

const firstData = async (socket: Socket, send: string): Promise<string> => {
  socket.write(send);
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return String(data);
};

const raw = (bytes: Buffer): Buffer => bytes;
const grpcMethod = (path: string) => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
});

/** Answers one unary method with its name and what was sent. */
const startGrpc = async (name: string): Promise<{ readonly port: number; readonly server: GrpcServer }> => {
  const server = new GrpcServer();
  const definition = { Get: grpcMethod('/shop.Orders/Get'), Put: grpcMethod('/shop.Orders/Put') };
  const answer = (call: { request: Buffer }, callback: (error: null, answer: Buffer) => void): void =>
    callback(null, Buffer.concat([Buffer.from(`${name} `), call.request]));
  server.addService(definition, { Get: answer, Put: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, server };
};

const callGrpc = (port: number, path: string, send: string): Promise<string> =>
  new Promise((resolve) => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.default_authority': 'orders.example' });
    client.makeUnaryRequest(path, raw, raw, Buffer.from(send), (error, answer) => {
      client.close();
      resolve(error === null ? String(answer) : (grpcStatus[error.code] ?? ''));
    });
  });

describe.skipIf(envoy === undefined).each(['GRPC', 'DELTA_GRPC'] as const)('every listener protocol carries traffic, %s', (apiType) => {
  let ports: readonly number[];
  let world: World;
  let http: Backend;
  let tcp: Server;
  let tls: Server;
  let udp: UdpSocket;
  let grpc: readonly { readonly port: number; readonly server: GrpcServer }[];

  beforeAll(async () => {
    ports = await freePorts(6);
    http = await startBackend('web');
    http.server.on('upgrade', (upgrade: IncomingMessage, socket: Socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`);
      shouting(`ws ${upgrade.url}`)(socket);
    });
    tcp = createTcpServer(shouting('tcp'));
    tls = createTlsServer({ cert: db.certificate, key: db.privateKey }, shouting('tls'));
    udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    udp.on('message', (data, from) => udp.send(`udp ${String(data).toUpperCase()}`, from.port, from.address));
    grpc = await Promise.all([startGrpc('read'), startGrpc('write')]);
    const [web = 0, https = 0, pass = 0, terminated = 0, stream = 0, packets = 0] = ports;
    world = await startWorld(
      {
        'all.yaml': [
          edge(
            `name: http, protocol: HTTP, port: ${web}`,
            `name: shop, protocol: HTTPS, port: ${https}, hostname: shop.example, tls: { certificateRefs: [{ name: shop }] }`,
            `name: any, protocol: HTTPS, port: ${https}, hostname: "*.apps.example", tls: { certificateRefs: [{ name: wildcard }] }`,
            `name: pass, protocol: TLS, port: ${pass}, tls: { mode: Passthrough }`,
            `name: terminated, protocol: TLS, port: ${terminated}, tls: { mode: Terminate, certificateRefs: [{ name: wildcard }] }`,
            `name: tcp, protocol: TCP, port: ${stream}`,
            `name: udp, protocol: UDP, port: ${packets}`,
          ),
          secret('shop', shop),
          secret('wildcard', wildcard),
          service('web', [http.port]),
          service('tcp', [await listening(tcp)]),
          service('tls', [await listening(tls)]),
          service('udp', [udp.address().port], 'protocol: UDP'),
          ...grpc.map(({ port }, index) => service(`grpc-${index}`, [port])),
          route('HTTPRoute', 'web', 'hostnames: [web.example], rules: [{ backendRefs: [{ name: web, port: 80 }] }]', 'http'),
          route('HTTPRoute', 'shop', 'rules: [{ backendRefs: [{ name: web, port: 80 }] }]', 'shop'),
          route('HTTPRoute', 'any', 'hostnames: [other.apps.example], rules: [{ backendRefs: [{ name: web, port: 80 }] }]', 'any'),
          route('TLSRoute', 'pass', 'hostnames: [db.example], rules: [{ backendRefs: [{ name: tls, port: 80 }] }]', 'pass'),
          route(
            'TLSRoute',
            'terminated',
            'hostnames: [cache.apps.example], rules: [{ backendRefs: [{ name: tcp, port: 80 }] }]',
            'terminated',
          ),
          route('TCPRoute', 'tcp', 'rules: [{ backendRefs: [{ name: tcp, port: 80 }] }]', 'tcp'),
          route('UDPRoute', 'udp', 'rules: [{ backendRefs: [{ name: udp, port: 80 }] }]', 'udp'),
          route(
            'GRPCRoute',
            'orders',
            `hostnames: [orders.example], rules: [
              { matches: [{ method: { service: shop.Orders, method: Get } }], backendRefs: [{ name: grpc-0, port: 80 }] },
              { matches: [{ method: { service: shop.Orders } }], backendRefs: [{ name: grpc-1, port: 80 }] }]`,
            'http',
          ),
        ].join(''),
      },
      apiType,
    );
  });
  afterAll(async () => {
    await world.stop();
    http.close();
    for (const server of [tcp, tls]) server.close();
    udp.close();
    for (const { server } of grpc) server.forceShutdown();
  });

  it('no object has a condition that tells of trouble', async () => {
    const { objects } = await world.status();
    expect(
      objects.flatMap(({ name, conditions }) => conditions.filter(({ trouble }) => trouble).map((condition) => ({ name, ...condition }))),
    ).toEqual([]);
  });

  it('HTTPS presents the certificate of the server name, and routes by host', async () => {
    const secure = (name: string) => ask(ports[1] ?? 0, '/x', { host: name }, { ca: ca.certificate, servername: name });
    expect((await secure('shop.example')).body).toBe('web GET /x');
    expect((await secure('other.apps.example')).body).toBe('web GET /x');
    expect((await secure('unknown.apps.example')).status).toBe(404);
    const socket = tlsConnect({ host: '127.0.0.1', port: ports[1] ?? 0, servername: 'shop.example', ca: ca.certificate });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:shop.example');
    socket.destroy();
  });

  it('HTTPS answers 421 to a host that belongs to another listener', async () => {
    const { status } = await ask(ports[1] ?? 0, '/', { host: 'shop.example' }, { ca: ca.certificate, servername: 'other.apps.example' });
    expect(status).toBe(421);
  });

  it('TLS passthrough leaves encryption to the backend, and closes connections for other names', async () => {
    const socket = tlsConnect({ host: '127.0.0.1', port: ports[2] ?? 0, servername: 'db.example', ca: ca.certificate });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:db.example');
    expect(await firstData(socket, 'hello')).toBe('tls HELLO');
    const other = tlsConnect({ host: '127.0.0.1', port: ports[2] ?? 0, servername: 'other.apps.example', ca: ca.certificate });
    await expect(once(other, 'secureConnect')).rejects.toThrow(/disconnected|ECONNRESET/);
  });

  it('TLS termination gives the backend plain bytes', async () => {
    const socket = tlsConnect({ host: '127.0.0.1', port: ports[3] ?? 0, servername: 'cache.apps.example', ca: ca.certificate });
    await once(socket, 'secureConnect');
    expect(await firstData(socket, 'hello')).toBe('tcp HELLO');
  });

  it('TCP carries bytes both ways', async () => {
    expect(await firstData(tcpConnect(ports[4] ?? 0, '127.0.0.1'), 'hello')).toBe('tcp HELLO');
  });

  it('UDP carries packets both ways', async () => {
    const client = createSocket('udp4');
    client.send('hello', ports[5] ?? 0, '127.0.0.1');
    const [data] = (await once(client, 'message')) as [Buffer];
    client.close();
    expect(String(data)).toBe('udp HELLO');
  });

  it('gRPC goes by service and method', async () => {
    const call = (path: string) => callGrpc(ports[0] ?? 0, path, 'order');
    expect(await call('/shop.Orders/Get')).toBe('read order');
    expect(await call('/shop.Orders/Put')).toBe('write order');
  });

  it('WebSocket upgrades pass, and bytes flow both ways', async () => {
    const upgrade = request({
      host: '127.0.0.1',
      port: ports[0],
      path: '/chat',
      headers: { host: 'web.example', connection: 'upgrade', upgrade: 'websocket' },
    });
    upgrade.end();
    const [, socket] = (await once(upgrade, 'upgrade')) as [IncomingMessage, Socket];
    expect(await firstData(socket, 'hello')).toBe('ws /chat HELLO');
  });
});
