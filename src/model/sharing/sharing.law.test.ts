import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectsIn } from '../../../test/support/gateway-api.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { Observations } from '../../api/observations.ts';
import { graphBuilder } from '../build.ts';
import { deviceOf, objectsOf, stateOf, tailnetOf } from '../tailnets/fixtures.ts';
import {
  aged,
  annotated,
  entrancesOf,
  observed,
  options,
  route,
  share,
  slice,
  tailnet,
  worldOf,
} from '../../../test/support/shared-gateway.ts';

const parts: readonly (readonly AnyObject[])[] = [
  share(),
  share('other', tailnet('prod', 'scope: Gateway, redirect: false'), aged(2024)),
  share('wide', `${tailnet('prod', "namePattern: '{cluster}-{route}'")}, ${tailnet('lab')}`, aged(2025)),
  route('HTTPRoute', 'web', 'hostnames: [a.example]', aged(2023)),
  route('HTTPRoute', 'web', "hostnames: ['*.example']", aged(2022), 'other'),
  route('GRPCRoute', 'rpc', 'hostnames: [rpc.example]', annotated('web'), 'default', 'https'),
  route('TCPRoute', 'shell', '', annotated('web', aged(2021)), 'default', 'ssh'),
  route('TLSRoute', 'db', 'hostnames: [db.example]'),
  `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: web, namespace: default${aged(2020)} }
spec: { selector: {}, backends: [{ kubernetes: { name: web, port: 80 } }], vipService: {} }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: hosts, namespace: default }
spec: { tailnet: prod, proxy: { connectionType: ingress } }
`,
].map((yaml) => objectsIn(yaml));

const laptop = deviceOf('laptop', '100.64.0.1');
const led = new Map([
  [
    'svc:web',
    new Map([
      [443, 25_000],
      [80, 25_001],
    ]),
  ],
]);
const worlds: readonly Observations[] = [
  observed(),
  observed({ 'prod/svc:web': { addresses: ['100.100.0.1'] } }, { 'default/share-prod-ingress': { served: led } }),
  observed({}, {}, [stateOf([laptop])]),
  observed({}, {}, [stateOf([deviceOf('web', '100.64.0.2')]), stateOf([], [], { name: 'lab', suffix: 'tail2.ts.net' })]),
];

const base = [tailnetOf('lab'), ...objectsIn('apiVersion: v1\nkind: Namespace\nmetadata: { name: other }\n')];
const objectsFor = (chosen: readonly number[], isReady: boolean) =>
  objectsOf(...worldOf('', ...base, ...slice(isReady), ...chosen.flatMap((index) => parts[index] ?? [])));

const step = fc.record({
  chosen: fc.subarray([...parts.keys()]),
  world: fc.constantFrom(...worlds),
  isReady: fc.boolean(),
});

describe('what is shared', () => {
  it('is the same whatever was shared before', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        const build = graphBuilder(options);
        for (const { chosen, world, isReady } of steps) {
          const objects = objectsFor(chosen, isReady);
          expect(build(objects, world)).toEqual(graphBuilder(options)(objects, world));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the same in whatever order objects come', () => {
    const all = [...parts.keys()];
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.constantFrom(...worlds), (order, world) => {
        expect(graphBuilder(options)(objectsFor(order, true), world)).toEqual(graphBuilder(options)(objectsFor(all, true), world));
      }),
      { numRuns: 20 },
    );
  });

  it('gives every entrance of a Gateway a port of Envoy of its own, to which proxies lead', () => {
    fc.assert(
      fc.property(step, ({ chosen, world, isReady }) => {
        const graph = graphBuilder(options)(objectsFor(chosen, isReady), world);
        const entrances = entrancesOf(graph);
        expect(new Set(entrances.map(({ boundPort }) => boundPort)).size).toBe(entrances.length);
        for (const { services } of graph.proxySets.values())
          for (const { ports } of services.values())
            for (const [port, { envoy, port: boundPort }] of ports)
              if (envoy !== undefined) expect(entrances).toContainEqual(expect.objectContaining({ port, boundPort }));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a change costs what it concerns', () => {
  const objects = objectsFor([0, 3, 6, 7], true);

  it('a machine of the tailnet changes no Gateway, service or proxies', () => {
    const build = graphBuilder(options);
    const first = build(objects, worlds[0]);
    const second = build(objects, observed({}, {}, [stateOf([laptop])]));
    for (const field of ['gateways', 'infrastructures', 'vipServices', 'proxySets', 'fences'] as const)
      expect(second[field]).toBe(first[field]);
  });

  it('another route leaves the entrances of its neighbours as they are', () => {
    const build = graphBuilder(options);
    const first = entrancesOf(build(objects, worlds[0]));
    const second = entrancesOf(
      build(
        objectsOf(...Object.values(objects).flatMap((kind) => [...kind.values()] as AnyObject[]), ...objectsIn(route('HTTPRoute', 'more'))),
        worlds[0],
      ),
    );
    expect(second.filter((socket) => first.includes(socket))).toHaveLength(first.length);
    expect(second.length).toBe(first.length + 2);
  });

  it('endpoints that come and go change proxies at most', () => {
    const build = graphBuilder(options);
    const first = build(objects, worlds[0]);
    const second = build({ ...objects, EndpointSlice: objectsFor([], false).EndpointSlice }, worlds[0]);
    expect(second.gateways).toBe(first.gateways);
    expect(second.vipServices).toBe(first.vipServices);
  });
});
