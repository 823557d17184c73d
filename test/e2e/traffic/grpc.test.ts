import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { ask } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import type { Backend } from './backends.ts';
import { repeat, tallyOf } from './clients.ts';
import { callGrpc, grpcBackend } from './grpc.ts';
import { stopAll } from './scene.ts';

const paths = ['/pkg.Echo/Say', '/pkg.Echo/Shout', '/pkg.Other/Say', '/pkg.Other/GetOne', '/more.Health/Check'];

const echo = async (name: string): Promise<Backend> =>
  grpcBackend(
    name,
    Object.fromEntries(
      paths.map((path) => [path, (request, metadata) => Buffer.from(`${name}:${request.toString()}${metadata.get('x-added').join('')}`)]),
    ),
  );

const rule = (to: string, matches: string, filters = ''): string =>
  `{ matches: [${matches}], ${filters}backendRefs: [{ name: ${to}, port: 80 }] }`;

describe.skipIf(envoy === undefined)('gRPC calls', () => {
  let fleet: Fleet;
  let port: number;
  const backends: Backend[] = [];
  beforeAll(async () => {
    port = await freePort();
    for (const name of ['one', 'two', 'three', 'four', 'five']) backends.push(await echo(name));
    fleet = await startFleet();
    const addHeader = 'filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-added, value: "!" }] } }], ';
    const rules = [
      rule('one', '{ method: { service: pkg.Echo, method: Say } }'),
      rule('two', '{ method: { service: pkg.Echo } }'),
      rule('three', '{ method: { method: Check } }', addHeader),
      rule('four', '{ method: { type: RegularExpression, service: "pkg[.].*", method: "Get.*" } }'),
      rule('five', '{ headers: [{ name: version, value: two }] }'),
    ];
    await fleet.apply(
      edge(`name: http, protocol: HTTP, port: ${port}`) +
        // No appProtocol: a GRPCRoute's backends are spoken to in HTTP/2 anyway.
        backends.map((backend) => service(backend.name, [backend.port])).join('') +
        route('GRPCRoute', 'calls', `hostnames: [grpc.example], rules: [${rules.join(', ')}]`) +
        route(
          'GRPCRoute',
          'split',
          'hostnames: [split.example], rules: [{ backendRefs: [{ name: one, port: 80 }, { name: missing, port: 80 }] }]',
        ) +
        route('GRPCRoute', 'lost', 'hostnames: [lost.example], rules: [{ backendRefs: [{ name: missing, port: 80 }] }]'),
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    await stopAll(backends);
  });

  it.each([
    ['/pkg.Echo/Say', {}, 'one:hello'],
    ['/pkg.Echo/Shout', {}, 'two:hello'],
    ['/more.Health/Check', {}, 'three:hello!'],
    ['/pkg.Other/GetOne', {}, 'four:hello'],
    ['/pkg.Other/Say', { version: 'two' }, 'five:hello'],
  ] as const)('%s with %o is answered by %s', async (path, headers, answer) => {
    expect(await callGrpc(port, 'grpc.example', path, headers)).toEqual({ code: 'OK', answer });
  });

  it('that no rule takes, or for names without a route, are UNIMPLEMENTED', async () => {
    expect((await callGrpc(port, 'grpc.example', '/pkg.Other/Say')).code).toBe('UNIMPLEMENTED');
    expect((await callGrpc(port, 'unknown.example', '/pkg.Echo/Say')).code).toBe('UNIMPLEMENTED');
  });

  it('without a valid backend are UNAVAILABLE, by their share', async () => {
    expect((await callGrpc(port, 'lost.example', '/pkg.Echo/Say')).code).toBe('UNAVAILABLE');
    const { OK = 0, ...failed } = tallyOf(await repeat(60, async () => (await callGrpc(port, 'split.example', '/pkg.Echo/Say')).code));
    expect(OK).toBeGreaterThan(12);
    expect(OK).toBeLessThan(48);
    expect(Object.keys(failed)).toEqual(['UNAVAILABLE']);
  });

  it('are what a GRPCRoute takes, and nothing else', async () => {
    expect((await ask(port, '/pkg.Echo/Say', { host: 'grpc.example' }, { method: 'POST' })).status).toBe(404);
  });
});
