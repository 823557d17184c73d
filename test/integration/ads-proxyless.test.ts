import { Client, credentials, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import { apiListener, assignment, edsCluster, resourcesOf, routeTo } from '../support/ads-resources.ts';

const pass = (bytes: Buffer): Buffer => bytes;
const method = { path: '/test.Echo/Echo', requestStream: false, responseStream: false } as const;
const definition = { ...method, requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass };

/** A gRPC server that answers with its own name. */
const backend = async (name: string): Promise<{ readonly server: Server; readonly port: number }> => {
  const server = new Server();
  server.addService(
    { echo: definition },
    { echo: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => callback(null, Buffer.from(name)) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { server, port };
};

const call = (client: Client): Promise<string> =>
  new Promise((resolve, reject) => {
    client.makeUnaryRequest(method.path, pass, pass, Buffer.from('x'), { deadline: Date.now() + 20_000 }, (error, answer) => {
      if (error) reject(error);
      else resolve(String(answer));
    });
  });

let ads: AdsServer;
const backends: Server[] = [];

const world = (cluster: string, port: number) =>
  snapshotOf(
    resourcesOf({
      clusters: [edsCluster(cluster)],
      endpoints: [assignment(cluster, port)],
      listeners: [apiListener('echo', 'routes')],
      routes: [routeTo('routes', cluster)],
    }),
  );

beforeAll(async () => {
  ads = adsServer({ address: '127.0.0.1:0', groupOf: ({ cluster }) => cluster, controlPlaneId: 'test' });
  const port = await ads.listen();
  process.env['GRPC_XDS_BOOTSTRAP_CONFIG'] = JSON.stringify({
    xds_servers: [{ server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    node: { id: 'grpc-client', cluster: 'test/gateway', locality: {} },
  });
  register();
});

afterAll(async () => {
  await ads.drain(500);
  for (const server of backends) server.forceShutdown();
});

it('serves a proxyless gRPC client, which finds its backend by an xds:/// target and follows it to another cluster', async () => {
  const [first, second] = await Promise.all([backend('first'), backend('second')]);
  backends.push(first.server, second.server);
  ads.publish('test/gateway', world('one', first.port));
  const client = new Client('xds:///echo', credentials.createInsecure());
  expect(await call(client)).toBe('first');
  ads.publish('test/gateway', world('two', second.port));
  let answer = 'first';
  while (answer === 'first') answer = await call(client);
  expect(answer).toBe('second');
  expect([...ads.stats.byType.values()].map(({ nacks }) => nacks)).not.toContain(1);
  client.close();
});
