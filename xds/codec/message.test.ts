import fc from 'fast-check';
import pb from 'protobufjs/light.js';
import protojson from 'protobufjs/ext/protojson.js';
import { expect, it } from 'vitest';
import { bytesOf, messageOf } from './message.ts';
import { schema, typeNamed } from './schema.ts';

type Json = { readonly [key: string]: unknown };

const maxDepth = 6;
const names = [
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.listener.v3.Listener',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
  'envoy.config.rbac.v3.RBAC',
  'envoy.service.discovery.v3.DeltaDiscoveryRequest',
  'xds.type.matcher.v3.Matcher',
];
const held = ['envoy.extensions.filters.http.router.v3.Router', 'envoy.config.core.v3.Node', 'google.protobuf.Duration'];

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
/** Not integers: JavaScript lists those first in any object, so no plain reference could hold them in order. */
const mapKey = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
const duration = fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: 1, max: 999 })).map(([s, ms]) => `${s}.${ms}s`);
const json = fc.dictionary(mapKey, fc.jsonValue({ maxDepth: 2, noUnicodeString: true }), { maxKeys: 3 });

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  string: text,
  bytes: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  int32: fc.oneof(fc.integer(), fc.constant(0)),
  uint32: fc.oneof(fc.nat(), fc.constant(0), fc.constant(2 ** 32 - 1)),
  int64: fc.oneof(fc.integer(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String)),
  uint64: fc.oneof(fc.nat(), fc.bigInt(0n, 2n ** 64n - 1n).map(String)),
  float: fc.oneof(fc.float({ noDefaultInfinity: true, noNaN: true }), fc.constant('NaN')),
  double: fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.constant('-Infinity')),
};

const special: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Duration: duration,
  Timestamp: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
  FieldMask: fc.constant('name,typedConfig'),
  Struct: json,
  Value: fc.jsonValue({ maxDepth: 2, noUnicodeString: true }),
  ListValue: fc.array(fc.jsonValue({ maxDepth: 1, noUnicodeString: true }), { maxLength: 2 }),
};

const valueOf = (field: pb.Field, depth: number): fc.Arbitrary<unknown> => {
  const type = field.resolvedType;
  if (type instanceof pb.Enum) return fc.constantFrom(...Object.keys(type.values));
  if (type instanceof pb.Type) return messageValue(type, depth + 1);
  return scalars[field.type] ?? fc.nat();
};

const fieldValue = (field: pb.Field, depth: number): fc.Arbitrary<unknown> => {
  const one = valueOf(field.resolve(), depth);
  if (field instanceof pb.MapField) return fc.dictionary(mapKey, one, { maxKeys: 3 });
  return field.repeated ? fc.array(one, { maxLength: 3 }) : one;
};

/** At most one field of each oneof. */
const withoutRivals = (type: pb.Type, value: Json): Json => {
  const taken = new Set<pb.OneOf>();
  const allowed = Object.entries(value).filter(([key]) => {
    const oneof = type.fields[key]?.partOf;
    if (!oneof) return true;
    const free = !taken.has(oneof);
    taken.add(oneof);
    return free;
  });
  return Object.fromEntries(allowed);
};

const anyValue = (depth: number): fc.Arbitrary<unknown> =>
  fc.constantFrom(...held).chain((name) => {
    const body = messageValue(schema().lookupType(name), depth + 1);
    return body.map((value) => Object.assign({ '@type': `type.googleapis.com/${name}` }, typeof value === 'object' ? value : { value }));
  });

const messageValue = (type: pb.Type, depth: number): fc.Arbitrary<unknown> => {
  const [, known] = /^\.google\.protobuf\.(\w+)$/.exec(type.fullName) ?? [];
  if (known === 'Any') return anyValue(depth);
  if (known !== undefined && special[known]) return special[known];
  if (known?.endsWith('Value')) return fieldValue(type.fields['value'] as pb.Field, depth);
  const fields = type.fieldsArray.filter((field) => !(field instanceof pb.MapField) || field.keyType === 'string');
  if (depth > maxDepth || fields.length === 0) return fc.constant({});
  return fc
    .shuffledSubarray(fields, { maxLength: Math.min(4, fields.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((field) => [field.name, fieldValue(field, depth)]))))
    .map((value) => withoutRivals(type, value));
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
};

/** As it is loaded for encoding: with what it refers to, and nothing else. */
const needed = (name: string): pb.Type => {
  const type = typeNamed(name);
  if (type === undefined) throw new Error(`no ${name}`);
  return type;
};

it('a name of no message is no type', () => {
  expect(['envoy.Nothing', 'envoy.config', 'envoy.config.cluster.v3.Cluster.LbPolicy', ''].map(typeNamed)).toEqual(
    Array(4).fill(undefined),
  );
});

it.each(names)('gives the bytes protobufjs gives, maps sorted: %s', (name) => {
  const type = schema().lookupType(name);
  const message = messageOf(needed(name));
  fc.assert(
    fc.property(messageValue(type, 0), (value) => {
      const plain = Buffer.from(type.encode(protojson.fromJson(type, sorted(value))).finish());
      expect(bytesOf(message, value)).toEqual(plain);
      // A second time from remembered parts, the outermost made anew.
      expect(bytesOf(message, { ...(value as Json) })).toEqual(plain);
    }),
    { numRuns: 60 },
  );
});
