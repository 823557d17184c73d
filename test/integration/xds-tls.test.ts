import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { filter, firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { AdsEvent } from '../../xds/ads/events.ts';
import { groupByClaim } from '../../xds/ads/identity.ts';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { CDS } from '../../xds/ads/types.ts';
import { AdsClient } from '../support/ads-client.ts';
import { accept, asked, ca, clientOf, clientWith, config, hold, issuedBy, running, serve, serverTls } from './xds-tls-world.ts';

const ours = ca('ours');
const theirs = ca('theirs');
const edge = clientOf(ours, 'edge');

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.drain(500)));
});

const next = async <K extends AdsEvent['kind']>({ events$ }: AdsServer, kind: K): Promise<Extract<AdsEvent, { kind: K }>> =>
  firstValueFrom(events$.pipe(filter((event): event is Extract<AdsEvent, { kind: K }> => event.kind === kind)));

/** A TLS connection, after the server has had its say; undefined when that was to close it. */
const handshake = async (port: number, options: ConnectionOptions): Promise<TLSSocket | undefined> => {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: ours.certificate, ALPNProtocols: ['h2'], ...options });
  socket.on('error', () => undefined);
  // A server that accepts says so by its first HTTP/2 frame; with TLS 1.3 the handshake alone tells a client nothing.
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  return accepted ? socket : undefined;
};

/** Speaks HTTP/1.1 without TLS until it is cut off. */
const plainText = (port: number): Promise<unknown> => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  return new Promise((resolve) => {
    socket.on('close', resolve);
  });
};

describe('with client certificates, a client that', () => {
  it('has one for its Gateway gets the snapshot of that Gateway, whether it names the Gateway or not', async () => {
    const { server, port } = await serve({ tls: serverTls(ours) });
    expect(await asked(clientWith(port, [ours], edge))).toEqual(['a']);
    const connected = next(server, 'connected');
    expect(await asked(clientWith(port, [ours], edge, ''))).toEqual(['a']);
    expect(await connected).toMatchObject({ group: 'test/edge', served: true });
  });

  it('claims to be of another Gateway is denied, whether there is such a Gateway or not', async () => {
    const { server, port } = await serve({ tls: serverTls(ours) });
    const details = (claimed: string) => `the client certificate is that of Gateway test/edge, but node.cluster is "${claimed}"`;
    const denied = next(server, 'denied');
    for (const claimed of ['test/other', 'test/missing'])
      expect(await asked(clientWith(port, [ours], edge, claimed))).toEqual({ code: 7, details: details(claimed) });
    expect(await denied).toMatchObject({ reason: details('test/other'), node: { cluster: 'test/other' }, mode: 'delta' });
    expect(server.stats.denied).toBe(2);
    expect(server.clients()).toEqual([]);
  });

  it.each([
    ['no identity', {}],
    ['another identity than a Gateway', { uris: ['spiffe://cluster.local/ns/test/sa/edge'] }],
    ['two identities', { uris: ['spiffe://tailplane/ns/test/gateway/edge', 'spiffe://tailplane/ns/test/gateway/other'] }],
    ['an identity within another name', { uris: ['x, URI:spiffe://tailplane/ns/test/gateway/edge'] }],
    ['an identity in a DNS name', { dnsNames: ['spiffe://tailplane/ns/test/gateway/edge'] }],
  ])('has a certificate with %s is denied', async (_what, profile) => {
    const { port } = await serve({ tls: serverTls(ours) });
    expect(await asked(clientWith(port, [ours], issuedBy(ours, profile), ''))).toEqual({
      code: 7,
      details: 'the client certificate is not that of a Gateway',
    });
  });

  it.each([
    ['none', undefined, 'the client has no certificate'],
    ['one that has expired', clientOf(ours, 'edge', { notAfter: Date.now() - 60_000 }), 'the client certificate has expired'],
    ['one that is not valid yet', clientOf(ours, 'edge', { notBefore: Date.now() + 60_000 }), 'the client certificate is not valid yet'],
    ['one of another CA', clientOf(theirs, 'edge'), 'the client certificate is of a CA that is not trusted'],
    ['one of another CA with the name of ours', clientOf(ca('ours'), 'edge'), 'the client certificate is of a CA that is not trusted'],
    [
      'one for servers',
      issuedBy(ours, { usage: 'server', uris: ['spiffe://tailplane/ns/test/gateway/edge'] }),
      'the client certificate is not one for clients',
    ],
  ])('shows %s is refused, and the others are served', async (_what, shown, reason) => {
    const { server, port } = await serve({ tls: serverTls(ours) });
    const refused = next(server, 'refused');
    expect(await handshake(port, shown === undefined ? {} : { key: shown.privateKey, cert: shown.certificate })).toBeUndefined();
    expect(await refused).toMatchObject({ reason, times: 1 });
    expect(server.stats.refused).toBe(1);
    expect(await asked(clientWith(port, [ours], edge))).toEqual(['a']);
  });

  it('signs for itself is refused', async () => {
    const { port } = await serve({ tls: serverTls(ours) });
    const self = ca('self');
    expect(await handshake(port, { key: self.privateKey, cert: self.certificate })).toBeUndefined();
  });

  it('speaks TLS 1.2, HTTP/1.1 or no TLS is refused, and the others are served', async () => {
    const { port } = await serve({ tls: serverTls(ours) });
    const shown = { key: edge.privateKey, cert: edge.certificate };
    expect(await handshake(port, { ...shown, maxVersion: 'TLSv1.2' })).toBeUndefined();
    expect(await handshake(port, { ...shown, ALPNProtocols: ['http/1.1'] })).toBeUndefined();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
    const plain = connectHttp2(`http://127.0.0.1:${port}`);
    plain.on('error', () => undefined);
    await new Promise((resolve) => plain.on('close', resolve));
    expect(await asked(clientWith(port, [ours], edge))).toEqual(['a']);
  });

  it('does not finish its handshake is dropped', async () => {
    const { server, port } = await serve({ tls: serverTls(ours), limits: { handshakeMs: 50 } });
    const refused = next(server, 'refused');
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    await new Promise((resolve) => silent.on('close', resolve));
    expect(await refused).toMatchObject({ reason: 'the client did not finish its handshake in time' });
  });

  it('fails 500 times at once is told of once, and the others are served', async () => {
    const { server, port } = await serve({ tls: serverTls(ours) });
    const told: string[] = [];
    server.events$.subscribe((event) => event.kind === 'refused' && told.push(event.reason));
    const wrong = clientOf(theirs, 'edge');
    const flood = Array.from({ length: 500 }, (_, index) =>
      index % 2 === 0 ? handshake(port, { key: wrong.privateKey, cert: wrong.certificate }) : plainText(port),
    );
    expect(await asked(clientWith(port, [ours], edge))).toEqual(['a']);
    await Promise.all(flood);
    expect(server.stats.refused).toBe(500);
    expect(told.toSorted()).toEqual(['the client certificate is of a CA that is not trusted', 'the client does not speak TLS']);
  });

  it('comes again cannot skip the look at its certificate by resuming its session', async () => {
    const { port } = await serve({ tls: serverTls(ours) });
    const sessions: Buffer[] = [];
    const shown = { key: edge.privateKey, cert: edge.certificate };
    const first = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: ours.certificate, ALPNProtocols: ['h2'], ...shown });
    first.on('session', (session) => sessions.push(session));
    await once(first, 'data');
    first.destroy();
    const session = sessions.at(-1);
    const again = await handshake(port, { ...shown, ...(session === undefined ? {} : { session }) });
    expect(again?.isSessionReused()).toBe(false);
    again?.destroy();
  });
});

describe('a node that becomes another during its stream', () => {
  it.each([
    { id: 'test-node', cluster: 'test/other' },
    { id: 'another', cluster: 'test/edge' },
  ])('as %j, is denied', async (node) => {
    const server = adsServer({ address: '127.0.0.1:0', groupOf: groupByClaim, controlPlaneId: 'test' });
    running.push(server);
    const port = await server.listen();
    const client = new AdsClient(port, 'sotw', { cluster: 'test/edge' });
    const denied = next(server, 'denied');
    client.request({ typeUrl: CDS });
    client.request({ typeUrl: CDS, node: { id: 'test-node', cluster: 'test/edge' } });
    client.request({ typeUrl: CDS, node: { id: 'test-node' } });
    client.request({ typeUrl: CDS, node });
    expect(await client.ended).toEqual({ code: 7, details: 'the node has become another during the stream' });
    expect(await denied).toMatchObject({ node });
  });
});

describe('a running server', () => {
  it('takes a new certificate and new CAs while its streams go on', async () => {
    const { server, port } = await serve({ tls: serverTls(ours) });
    const client = clientWith(port, [ours], edge);
    await hold(client);
    server.secure(serverTls(theirs, [ours, theirs]));
    server.publish('test/edge', config(6));
    expect(await accept(client)).toEqual(['a']);
    expect(await asked(clientWith(port, [theirs], edge))).toEqual(['a']);
    expect(await asked(clientWith(port, [ours, theirs], clientOf(theirs, 'edge')))).toEqual(['a']);
    expect(await asked(clientWith(port, [ours], edge))).toMatchObject({ code: 14 });
    server.publish('test/edge', config(7));
    expect(await accept(client)).toEqual(['a']);
    client.cancel();
  });

  it('asks clients to come anew, and no others, when it trusts their CA no longer', async () => {
    const { server, port } = await serve({ tls: serverTls(ours, [ours, theirs]) });
    const [leaving, staying] = [clientWith(port, [ours], clientOf(theirs, 'edge')), clientWith(port, [ours], edge)];
    await Promise.all([leaving, staying].map(hold));
    server.secure(serverTls(ours));
    expect(await leaving.ended).toEqual({ code: 14, details: 'the CA of the client certificate is not trusted any longer' });
    server.publish('test/edge', config(6));
    expect(await accept(staying)).toEqual(['a']);
    staying.cancel();
  });

  it('asks a client to come anew when its certificate expires, and serves it with a newer one only', async () => {
    const { port } = await serve({ tls: serverTls(ours), limits: { connectionGraceMs: 100 } });
    // Certificates know whole seconds only, so this is valid for one to two.
    const short = clientOf(ours, 'edge', { notAfter: Date.now() + 2000 });
    const client = clientWith(port, [ours], short);
    await hold(client);
    expect(await client.ended).toEqual({ code: 14, details: 'the client certificate has expired' });
    expect(await asked(clientWith(port, [ours], short))).toMatchObject({ code: 14 });
    expect(await asked(clientWith(port, [ours], edge))).toEqual(['a']);
  });

  const good = serverTls(ours);
  it.each([
    ["another certificate's key", { ...good, key: serverTls(ours).key }, "the private key is not that of the server's certificate"],
    ['no key', { ...good, key: 'SECRET' }, "the server's private key cannot be read"],
    ['half a key', { ...good, key: good.key.slice(0, 80) }, "the server's private key cannot be read"],
    ['no certificate', { ...good, cert: '' }, "the server's certificate holds no PEM certificate"],
    ['no CA', { ...good, ca: '' }, 'the bundle of CAs of clients holds no PEM certificate'],
    [
      'clients without certificates',
      { key: good.key, cert: good.cert },
      'whether clients need certificates cannot change while they are served',
    ],
  ])('goes on as before when it is given %s', async (_what, tls, message) => {
    const { server, port } = await serve({ tls: good });
    let thrown: unknown;
    try {
      server.secure(tls);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'TlsError', message });
    expect(thrown).not.toHaveProperty('cause');
    expect(await asked(clientWith(port, [ours], edge))).toEqual(['a']);
    expect(await handshake(port, {})).toBeUndefined();
  });

  it('can be given its first certificate before it listens', async () => {
    const server = adsServer({ address: '127.0.0.1:0', groupOf: () => 'test/edge', controlPlaneId: 'test' });
    running.push(server);
    server.publish('test/edge', config());
    server.secure(serverTls(ours));
    server.secure(serverTls(theirs, [ours]));
    const port = await server.listen();
    expect(await asked(clientWith(port, [theirs], issuedBy(ours, {})))).toEqual(['a']);
    expect(await handshake(port, { ca: theirs.certificate })).toBeUndefined();
  });

  it('that serves without TLS cannot be given any', async () => {
    const server = adsServer({ address: '127.0.0.1:0', groupOf: groupByClaim, controlPlaneId: 'test' });
    running.push(server);
    await server.listen();
    expect(() => server.secure(good)).toThrow('a server that serves without TLS goes on so');
  });
});
