import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { listenerSet } from '../../support/gateway-api.ts';
import { ask } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import { type Backend, httpEcho } from './backends.ts';
import { whoAnswers } from './clients.ts';
import { stopAll } from './scene.ts';

const to = (name: string, hostnames = ''): string =>
  `${hostnames === '' ? '' : `hostnames: [${hostnames}], `}rules: [{ backendRefs: [{ name: ${name}, port: 80 }] }]`;

/** A route that names its parent itself. */
const routeTo = (name: string, parent: string, spec: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec: { parentRefs: [${parent}], ${spec} }
`;

describe.skipIf(envoy === undefined)('listeners', () => {
  let fleet: Fleet;
  let [shared, alone, set]: readonly number[] = [];
  const backends: Backend[] = [];
  beforeAll(async () => {
    [shared, alone, set] = await freePorts(3);
    for (const name of ['one', 'two', 'three', 'four', 'five']) backends.push(await httpEcho(name));
    fleet = await startFleet();
    const http = (name: string, port: number | undefined, hostname = ''): string =>
      `name: ${name}, protocol: HTTP, port: ${port}${hostname === '' ? '' : `, hostname: "${hostname}"`}`;
    await fleet.apply(
      edge(
        http('any', shared),
        http('wild', shared, '*.example'),
        http('deep', shared, '*.foo.example'),
        http('exact', shared, 'abc.foo.example'),
        http('alone', alone),
      ).replace('gatewayClassName: tailplane', 'gatewayClassName: tailplane\n  allowedListeners: { namespaces: { from: Same } }') +
        backends.map((backend) => service(backend.name, [backend.port])).join('') +
        route('HTTPRoute', 'any', to('one'), 'any') +
        route('HTTPRoute', 'wild', to('two'), 'wild') +
        route('HTTPRoute', 'deep', to('three'), 'deep') +
        route('HTTPRoute', 'exact', to('four'), 'exact') +
        route('HTTPRoute', 'some', to('five', 'five.test, other.foo.example'), 'any') +
        route('HTTPRoute', 'narrow', to('five', 'narrow.test, narrow.example'), 'wild') +
        routeTo('port', `{ name: edge, port: ${alone} }`, to('one')) +
        listenerSet('more', 'edge', `{ ${http('set', set)} }, { ${http('joined', shared, 'joined.test')} }`) +
        routeTo('set', '{ group: gateway.networking.k8s.io, kind: ListenerSet, name: more, sectionName: set }', to('two')) +
        routeTo('joined', '{ group: gateway.networking.k8s.io, kind: ListenerSet, name: more, sectionName: joined }', to('three')),
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    await stopAll(backends);
  });

  const who = async (port: number | undefined, host: string): Promise<string> => whoAnswers(await ask(port ?? 0, '/', { host }));

  it.each([
    ['bar.test', 'one'],
    ['foo.example', 'two'],
    ['bar.foo.example', 'three'],
    ['abc.foo.example', 'four'],
    ['five.test', 'five'],
    ['narrow.example', 'five'],
  ])('on one port are told apart by name: %s goes to %s', async (host, backend) => {
    expect(await who(shared, host)).toBe(backend);
  });

  it('answer only for their own names: no route slips in by a listener that fits worse', async () => {
    // `some` is attached to `any`, whose names do not include what `deep` has.
    expect(await who(shared, 'other.foo.example')).toBe('three');
    // `narrow` is attached to `*.example`, which has no `narrow.test`.
    expect(await who(shared, 'narrow.test')).toBe('one');
  });

  it('on different ports have their own routes, also by port', async () => {
    expect(await who(alone, 'five.test')).toBe('one');
  });

  it('of a ListenerSet have ports of their own, or join one of the Gateway', async () => {
    expect(await who(set, 'whatever.test')).toBe('two');
    expect(await who(shared, 'joined.test')).toBe('three');
  });
});
