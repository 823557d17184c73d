import { connect as connectHttp2, constants } from 'node:http2';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { credentials } from '@grpc/grpc-js';
import { filter, firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { AdsEvent } from '../../xds/ads/events.ts';
import { type AdsOptions, type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { CDS, EDS } from '../../xds/ads/types.ts';
import { ListenError } from '../../xds/ads/wire.ts';
import { encode } from '../../xds/codec.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import { AdsClient, RawStream } from '../support/ads-client.ts';
import { assignment, edsCluster, resourcesOf } from '../support/ads-resources.ts';
import { authority, certificateFor } from '../support/certificates.ts';

const group = 'test/gateway';
const config = (seconds = 5) =>
  snapshotOf(resourcesOf({ clusters: [edsCluster('a', seconds), edsCluster('b')], endpoints: [assignment('a', 1000)] }));

const running: AdsServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.drain(1000)));
});

const serve = async (options: Partial<AdsOptions> = {}): Promise<{ readonly server: AdsServer; readonly port: number }> => {
  const server = adsServer({ address: '127.0.0.1:0', groupOf: ({ cluster }) => cluster, controlPlaneId: 'test', ...options });
  running.push(server);
  return { server, port: await server.listen() };
};

const next = async <K extends AdsEvent['kind']>({ events$ }: AdsServer, kind: K): Promise<Extract<AdsEvent, { kind: K }>> =>
  firstValueFrom(events$.pipe(filter((event): event is Extract<AdsEvent, { kind: K }> => event.kind === kind)));

/** Whether somebody else is still served. */
const isServed = async (port: number): Promise<boolean> => {
  const client = new AdsClient(port, 'sotw');
  client.request({ typeUrl: CDS });
  const { resources } = await client.response();
  client.cancel();
  return resources.length > 0;
};

describe('an ADS server', () => {
  it.each(['sotw', 'delta'] as const)('serves %s over gRPC, and empty endpoints to a cluster that has none', async (mode) => {
    const { server, port } = await serve();
    server.publish(group, config());
    const client = new AdsClient(port, mode);
    client.request({ typeUrl: CDS });
    expect((await client.response()).resources).toEqual(['a', 'b']);
    client.request(mode === 'sotw' ? { typeUrl: EDS, resourceNames: ['a', 'b'] } : { typeUrl: EDS, resourceNamesSubscribe: ['a', 'b'] });
    expect((await client.response()).resources).toEqual(['a', 'b']);
    client.cancel();
  });

  it.each(['sotw', 'delta'] as const)('serves the per-type %s streams, whose type is implied', async (mode) => {
    const { server, port } = await serve();
    server.publish(group, config());
    const client = new AdsClient(port, mode, {
      path: `/envoy.service.cluster.v3.ClusterDiscoveryService/${mode === 'sotw' ? 'Stream' : 'Delta'}Clusters`,
    });
    client.request({});
    expect((await client.response()).resources).toEqual(['a', 'b']);
    client.cancel();
  });

  it('keeps a client of an unknown group waiting, says so, and serves it once there is a snapshot', async () => {
    const { server, port } = await serve();
    const connected = next(server, 'connected');
    const client = new AdsClient(port, 'sotw');
    client.request({ typeUrl: CDS });
    expect(await connected).toMatchObject({ served: false, group, node: { id: 'test-node' } });
    expect(server.clients()).toMatchObject([{ served: false, group }]);
    server.publish(group, config());
    expect((await client.response()).resources).toEqual(['a', 'b']);
    client.cancel();
  });

  it('leaves clients of a forgotten group with what they have', async () => {
    const { server, port } = await serve();
    server.publish(group, config());
    const client = new AdsClient(port, 'sotw');
    client.request({ typeUrl: CDS });
    await client.response();
    server.publish(group, undefined);
    client.request({ typeUrl: EDS, resourceNames: ['a'] });
    expect((await client.response()).resources).toEqual(['a']);
    client.cancel();
  });

  it('tells of ACKs, NACKs and of clients that are up to date, and lists them for status', async () => {
    const { server, port } = await serve();
    server.publish(group, config());
    const client = new AdsClient(port, 'delta');
    client.request({ typeUrl: CDS });
    const acked = next(server, 'ack');
    client.request({ typeUrl: CDS, responseNonce: (await client.response()).nonce });
    expect(await acked).toMatchObject({ typeUrl: CDS, group, mode: 'delta' });
    const nacked = next(server, 'nack');
    server.publish(group, config(6));
    client.request({ typeUrl: CDS, responseNonce: (await client.response()).nonce, errorDetail: { code: 3, message: 'cluster a: no' } });
    expect(await nacked).toMatchObject({ typeUrl: CDS, names: ['a'], error: 'cluster a: no' });
    expect(server.clients()[0]?.types).toMatchObject([{ typeUrl: CDS, error: 'cluster a: no', rejected: ['a'] }]);
    const current = next(server, 'current');
    server.publish(group, config(7));
    client.request({ typeUrl: CDS, responseNonce: (await client.response()).nonce });
    expect((await current).afterMs).toBeGreaterThanOrEqual(0);
    expect(server.clients()[0]?.types).toMatchObject([{ error: '', rejected: [] }]);
    const gone = next(server, 'disconnected');
    client.halfClose();
    expect((await client.ended).code).toBe(0);
    expect(await gone).toMatchObject({ group });
    expect(server.clients()).toEqual([]);
  });

  it('serves over TLS when given a certificate', async () => {
    const ca = authority();
    const leaf = certificateFor(['localhost', '127.0.0.1'], ca);
    const { server, port } = await serve({ tls: { key: leaf.privateKey, cert: leaf.certificate } });
    server.publish(group, config());
    const client = new AdsClient(port, 'sotw', {
      channel: credentials.createSsl(Buffer.from(ca.certificate), null, null, { checkServerIdentity: () => undefined }),
    });
    client.request({ typeUrl: CDS });
    expect((await client.response()).resources).toEqual(['a', 'b']);
    client.cancel();
  });

  it('says in one line that its address is in use', async () => {
    const { port } = await serve();
    const second = adsServer({ address: `127.0.0.1:${port}`, groupOf: () => group, controlPlaneId: 'test' });
    const error: unknown = await second.listen().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ListenError);
    expect(String(error)).toBe(`ListenError: cannot listen on 127.0.0.1:${port}: the address is already in use`);
  });

  it('ends all streams, closes all connections and stops listening when it drains', async () => {
    const { server, port } = await serve();
    server.publish(group, config());
    const client = new AdsClient(port, 'sotw');
    client.request({ typeUrl: CDS });
    await client.response();
    await server.drain();
    expect(await client.ended).toEqual({ code: 14, details: 'the server is going away' });
    const refused = connect(port, '127.0.0.1');
    expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  });

  it('asks connections of a certain age to come anew', async () => {
    const { server, port } = await serve({ limits: { connectionAgeMs: 100 } });
    server.publish(group, config());
    const client = new AdsClient(port, 'sotw');
    client.request({ typeUrl: CDS });
    expect(await client.ended).toEqual({ code: 14, details: 'the connection has reached its maximum age' });
  });
});

const badRequest = (port: number, bytes: Buffer): Promise<{ readonly code: number; readonly details: string }> => {
  const stream = new RawStream(port, '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources');
  stream.send(bytes);
  return stream.ended;
};

const isClosed = async (socket: Socket): Promise<boolean> => {
  socket.on('error', () => undefined).resume();
  if (!socket.closed) await once(socket, 'close');
  return socket.closed;
};

/** A gRPC message that asks for all clusters. */
const firstRequest = ((): Buffer => {
  const request = encode('envoy.service.discovery.v3.DiscoveryRequest', { node: { id: 'test-node', cluster: group }, typeUrl: CDS });
  return Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]);
})();

describe('a client that', () => {
  it.each([
    ['random bytes', Buffer.from('this is no protobuf message at all')],
    ['a field that is cut short', Buffer.from([0x1a, 0x7f, 0x61])],
    ['a length beyond all bounds', Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])],
    ['an unfinished number', Buffer.from([0x08, 0xff])],
    ['a wire type that is not in use', Buffer.from([0x0b])],
    ['no node', Buffer.alloc(0)],
  ])('sends %s is told so, and the others are served', async (_what, bytes) => {
    const { server, port } = await serve();
    server.publish(group, config());
    expect(await badRequest(port, bytes)).toMatchObject({ code: 3 });
    expect(server.stats.malformed).toBe(1);
    expect(await isServed(port)).toBe(true);
  });

  it('leaves out the type is told that it is required', async () => {
    const { port } = await serve();
    const client = new AdsClient(port, 'sotw');
    client.request({});
    expect(await client.ended).toEqual({ code: 3, details: 'type_url is required on an aggregated stream' });
  });

  it('asks for another type than the stream is for is told so', async () => {
    const { port } = await serve();
    const client = new AdsClient(port, 'delta', { path: '/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters' });
    client.request({ typeUrl: EDS });
    expect((await client.ended).code).toBe(3);
  });

  it('calls a method that is not served is told so', async () => {
    const { port } = await serve();
    const stream = new RawStream(port, '/envoy.service.discovery.v3.AggregatedDiscoveryService/FetchAll');
    expect((await stream.ended).code).toBe(12);
  });

  it('sends a request beyond the limit is told so', async () => {
    const { server, port } = await serve({ limits: { requestBytes: 1000 } });
    server.publish(group, config());
    expect(await badRequest(port, Buffer.alloc(2000))).toMatchObject({ code: 8 });
    expect(await isServed(port)).toBe(true);
  });

  it('asks for more types or names than a stream may have is told so', async () => {
    const { port } = await serve({ limits: { typesPerStream: 1, namesPerType: 2 } });
    const types = new AdsClient(port, 'sotw');
    types.request({ typeUrl: CDS });
    types.request({ typeUrl: EDS });
    expect((await types.ended).code).toBe(8);
    const names = new AdsClient(port, 'delta');
    names.request({ typeUrl: EDS, resourceNamesSubscribe: ['a', 'b', 'c'] });
    expect((await names.ended).code).toBe(8);
  });

  it('speaks something else is dropped, and the others are served', async () => {
    const { server, port } = await serve();
    server.publish(group, config());
    const sockets = ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\0\0\0\0', 'x'.repeat(100_000)].map((text) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(text);
      return socket;
    });
    expect(await isServed(port)).toBe(true);
    for (const socket of sockets) socket.destroy();
    expect(await isServed(port)).toBe(true);
  });

  it('does not answer pings is dropped', async () => {
    const { port } = await serve({ limits: { keepaliveMs: 100, keepaliveTimeoutMs: 100 } });
    const silent = connect(port, '127.0.0.1');
    silent.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${String.fromCharCode(0, 0, 0, 4, 0, 0, 0, 0, 0)}`, 'latin1');
    expect(await isClosed(silent)).toBe(true);
  });

  it('opens a connection and no stream is dropped', async () => {
    const { port } = await serve({ limits: { idleMs: 100 } });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    expect(await once(session, 'goaway')).toContain(constants.NGHTTP2_NO_ERROR);
    session.destroy();
  });

  it('rejects everything is sent a bounded number of responses', async () => {
    const { server, port } = await serve();
    server.publish(group, config());
    const client = new AdsClient(port, 'sotw');
    client.request({ typeUrl: CDS });
    const nacks = server.events$.pipe(filter((event) => event.kind === 'nack'));
    let count = 0;
    nacks.subscribe(() => count++);
    for (let answers = 0; answers < 3; answers++) {
      const { nonce } = await client.response();
      client.request({ typeUrl: CDS, responseNonce: nonce, errorDetail: { code: 3, message: 'no' } });
    }
    // Two clusters: both, then each alone. What follows is an answer to this, so nothing else was sent before.
    client.request({ typeUrl: EDS, resourceNames: ['a'] });
    const { resources, nonce } = await client.response();
    expect(resources).toEqual(['a']);
    expect(count).toBe(3);
    client.request({ typeUrl: EDS, responseNonce: nonce, resourceNames: ['a'], errorDetail: { code: 3, message: 'no' } });
    server.publish(group, snapshotOf(resourcesOf({ clusters: [edsCluster('c')] })));
    expect((await client.response()).resources).toEqual(['c']);
    client.cancel();
  });

  it('never reads costs one message, does not hold up others, and is dropped in the end', async () => {
    const { server, port } = await serve({ limits: { stuckMs: 500 } });
    const big = (version: number) =>
      snapshotOf(resourcesOf({ clusters: Array.from({ length: 2000 }, (_, index) => edsCluster(`cluster-${index}`, version)) }));
    server.publish(group, big(1));
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1000 } });
    const deaf = session.request({
      ':method': 'POST',
      ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
      'content-type': 'application/grpc',
    });
    deaf.on('error', () => undefined);
    deaf.pause();
    const dropped = next(server, 'disconnected');
    deaf.write(firstRequest);
    const other = new AdsClient(port, 'delta');
    other.request({ typeUrl: CDS });
    const versions = new Set<string>();
    for (let version = 2; version <= 12; version++) {
      const { nonce, version: told } = await other.response();
      versions.add(told);
      other.request({ typeUrl: CDS, responseNonce: nonce });
      server.publish(group, big(version));
    }
    expect(versions.size).toBeGreaterThan(5);
    expect(await dropped).toMatchObject({ reason: 'the client does not read' });
    other.cancel();
    session.close();
    session.destroy();
  });

  it('opens 2,000 streams at once is served on each, and leaves nothing behind', async () => {
    const { server, port } = await serve();
    server.publish(group, config());
    const sessions = Array.from({ length: 20 }, () => connectHttp2(`http://127.0.0.1:${port}`));
    const answers = sessions.flatMap((session) =>
      Array.from({ length: 100 }, async () => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
          'content-type': 'application/grpc',
        });
        stream.write(firstRequest);
        const [bytes] = (await once(stream, 'data')) as [Buffer];
        stream.on('error', () => undefined);
        return bytes.length;
      }),
    );
    expect((await Promise.all(answers)).every((length) => length > 0)).toBe(true);
    expect(server.stats.streams.sotw).toBe(2000);
    expect(server.clients()).toHaveLength(2000);
    for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
    while (server.stats.streams.sotw > 0) await next(server, 'disconnected');
    expect(server.clients()).toEqual([]);
  });

  it('opens more streams than are allowed is refused', async () => {
    const { server, port } = await serve({ limits: { streams: 1 } });
    server.publish(group, config());
    const first = new AdsClient(port, 'sotw');
    first.request({ typeUrl: CDS });
    await first.response();
    const second = new AdsClient(port, 'sotw');
    second.request({ typeUrl: CDS });
    expect((await second.ended).code).toBe(8);
    first.cancel();
  });
});
