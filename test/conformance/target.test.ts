import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { CDS, EDS } from '../../xds/ads/types.ts';
import { encode, typeNameOf } from '../../xds/codec.ts';
import { AdsClient } from '../support/ads-client.ts';
import { adapterMethods } from './adapter-protocol.ts';
import { type Adapter, startAdapter } from './adapter.ts';

const node = 'test-id';
let ads: AdsServer;
let adapter: Adapter;
let suite: Client;
let port: number;

beforeAll(async () => {
  ads = adsServer({ address: '127.0.0.1:0', groupOf: () => node, controlPlaneId: 'test' });
  port = await ads.listen();
  adapter = await startAdapter('127.0.0.1:0', ads);
  suite = new Client(`127.0.0.1:${adapter.port}`, credentials.createInsecure());
});

afterAll(async () => {
  suite.close();
  adapter.stop();
  await ads.drain(500);
});

const call = <I, O>(method: MethodDefinition<I, O>, request: I): Promise<O | undefined> =>
  new Promise((resolve, reject) => {
    suite.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });

const setClusters = (version: string, names: readonly string[]) =>
  call(adapterMethods.setState, {
    node,
    version,
    resources: names.map((name) => ({ typeUrl: CDS, value: encode(typeNameOf(CDS), { name }) })),
  });

const clusters = { sotw: 'StreamClusters', delta: 'DeltaClusters' } as const;

describe.each(['sotw', 'delta'] as const)('what the conformance suite does, %s', (mode) => {
  const open = (): AdsClient => new AdsClient(port, mode, { path: `/envoy.service.cluster.v3.ClusterDiscoveryService/${clusters[mode]}` });
  const subscribe = (names: readonly string[]) => (mode === 'sotw' ? { resourceNames: names } : { resourceNamesSubscribe: names });

  it('a wildcard gets the whole state, in the version the suite has named', async () => {
    await setClusters('v1', ['a', 'b']);
    const client = open();
    client.request({});
    expect(await client.response()).toMatchObject({ version: 'v1', resources: ['a', 'b'] });
    client.halfClose();
    expect(await client.ended).toEqual({ code: 0, details: '' });
  });

  it('names get what they name, and an edit under the same version all the same', async () => {
    await setClusters('v1', ['a', 'b', 'c']);
    const client = open();
    client.request(subscribe(['a', 'b']));
    const { nonce } = await client.response();
    client.request({ responseNonce: nonce, ...(mode === 'sotw' ? subscribe(['a', 'b']) : {}) });
    await call(adapterMethods.updateResource, { node, typeUrl: CDS, resourceName: 'b', version: 'v1' });
    expect(await client.response()).toMatchObject({ version: 'v1', resources: mode === 'sotw' ? ['a', 'b'] : ['b'] });
    client.cancel();
  });

  it('a name that appears later is sent then, and one that goes is told', async () => {
    await setClusters('v1', ['a']);
    const client = open();
    client.request(subscribe(['a', 'b']));
    const first = await client.response();
    expect(first.resources).toEqual(['a']);
    client.request({ responseNonce: first.nonce, ...(mode === 'sotw' ? subscribe(['a', 'b']) : {}) });
    await call(adapterMethods.addResource, { node, typeUrl: CDS, resourceName: 'b', version: 'v2' });
    const second = await client.response();
    expect(second).toMatchObject({ version: 'v2', resources: mode === 'sotw' ? ['a', 'b'] : ['b'] });
    client.request({ responseNonce: second.nonce, ...(mode === 'sotw' ? subscribe(['a', 'b']) : {}) });
    await call(adapterMethods.removeResource, { node, typeUrl: CDS, resourceName: 'a', version: '' });
    expect(await client.response()).toMatchObject(mode === 'sotw' ? { resources: ['b'] } : { resources: [], removed: ['a'] });
    client.cancel();
  });

  it('after its state is cleared a node waits for the next', async () => {
    await setClusters('v1', ['a']);
    expect(await call(adapterMethods.clearState, { node })).toEqual({ response: 'cleared' });
    const client = open();
    client.request({});
    await setClusters('v2', ['b']);
    expect(await client.response()).toMatchObject({ version: 'v2', resources: ['b'] });
    client.cancel();
  });
});

it('other types are served beside, on one aggregated stream', async () => {
  await call(adapterMethods.setState, {
    node,
    version: '1',
    resources: [
      { typeUrl: CDS, value: encode(typeNameOf(CDS), { name: 'a' }) },
      { typeUrl: EDS, value: encode(typeNameOf(EDS), { clusterName: 'a' }) },
    ],
  });
  const client = new AdsClient(port, 'sotw');
  client.request({ typeUrl: EDS, resourceNames: ['a'] });
  expect((await client.response()).resources).toEqual(['a']);
  client.cancel();
});
