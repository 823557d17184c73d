/**
 * What encoding a 1,000-route RouteConfiguration costs: `node bench/encode.ts`. CPU milliseconds a message, median of the runs.
 * Compared: tailplane's codec on ProtoJSON, protobufjs's own ProtoJSON reader before its encoder, and protobufjs's own object shape.
 */
import protojson from 'protobufjs/ext/protojson.js';
import { encode } from '../xds/codec.ts';
import { schema } from '../xds/codec/schema.ts';
import type { Route, RouteConfiguration } from '../xds/types.ts';

const typeName = 'envoy.config.route.v3.RouteConfiguration';
const routeCount = 1000;
const runs = 31;

const routeFrom = (index: number, cluster = `cluster-${index}`): Route => ({
  name: `httproute/default/route-${index}/rule/0/match/0`,
  match: { pathSeparatedPrefix: `/service-${index}`, headers: [{ name: 'x-version', stringMatch: { exact: `v${index}` } }] },
  route: { cluster, timeout: '15s', retryPolicy: { retryOn: 'reset,connect-failure', numRetries: 2 } },
});

/** Fresh objects throughout, so that nothing is remembered from an earlier run. */
const configuration = (): RouteConfiguration => ({
  name: 'gateway/default/public/80',
  virtualHosts: [{ name: 'all', domains: ['*'], routes: Array.from({ length: routeCount }, (_, index) => routeFrom(index)) }],
});

/** The same configuration with one route replaced and every other route the same object. */
const withOneChange = (before: RouteConfiguration, run: number): RouteConfiguration => {
  const [host] = before.virtualHosts ?? [];
  const routes = (host?.routes ?? []).with(routeCount / 2, routeFrom(routeCount / 2, `changed-${run}`));
  return { ...before, virtualHosts: [{ ...host, routes }] };
};

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Median CPU milliseconds of one call; the inputs are made outside the measured part. */
const measure = <T>(inputFor: (run: number) => T, work: (input: T) => unknown): number => {
  const costs = Array.from({ length: runs }, (_, run) => {
    const input = inputFor(run);
    const start = process.cpuUsage();
    work(input);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return medianOf(costs);
};

const loadStart = process.cpuUsage();
const type = schema().lookupType(typeName);
const load = process.cpuUsage(loadStart);
const held = configuration();
encode(typeName, held);

const figures = {
  'load of the schema, once': (load.user + load.system) / 1000,
  'ProtoJSON, codec, everything new': measure(configuration, (value) => encode(typeName, value)),
  'ProtoJSON, codec, one route changed': measure(
    (run) => withOneChange(held, run),
    (value) => encode(typeName, value),
  ),
  'ProtoJSON, codec, nothing changed': measure(
    () => held,
    (value) => encode(typeName, value),
  ),
  'ProtoJSON, protobufjs fromJson + encode': measure(configuration, (value) => type.encode(protojson.fromJson(type, value)).finish()),
  'own shape, protobufjs encode': measure(
    () => protojson.fromJson(type, configuration()),
    (value) => type.encode(value).finish(),
  ),
  'own shape, protobufjs verify + encode': measure(
    () => protojson.fromJson(type, configuration()),
    (value) => (type.verify(value), type.encode(value).finish()),
  ),
};

const bytes = encode(typeName, held).length;
process.stdout.write(`${routeCount} routes, ${bytes} bytes\n`);
for (const [what, cost] of Object.entries(figures)) process.stdout.write(`${cost.toFixed(2).padStart(9)} ms  ${what}\n`);
