import type pb from 'protobufjs';

type Json = { readonly [key: string]: unknown };

/** Options that change how a message is read, written or declared. */
const keptOptions = new Set(['packed', 'proto3_optional', 'deprecated']);

const droppedKeys = new Set(['comment', 'comments', 'reserved', 'edition', 'valuesOptions', 'extensions']);

/** Only extensions of descriptor options live here; no resource holds such a message. */
const annotationPackages = new Set(['pb', 'validate', 'udpa.annotations', 'xds.annotations', 'envoy.annotations']);

/** google/protobuf/descriptor.proto: messages describing messages. */
const descriptorMessages =
  /^google\.protobuf\.(Edition|SymbolVisibility|FeatureSet|FeatureSetDefaults|\w*Descriptor\w*|\w+Options|UninterpretedOption|SourceCodeInfo|GeneratedCodeInfo|ExtensionRangeOptions)$/;

const isDropped = (name: string, value: Json): boolean =>
  'methods' in value || 'extend' in value || annotationPackages.has(name) || descriptorMessages.test(name);

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const optionsFrom = (options: Json): Json => Object.fromEntries(Object.entries(options).filter(([key]) => keptOptions.has(key)));

const entriesFrom = (key: string, value: unknown, path: string): [string, unknown][] => {
  if (droppedKeys.has(key)) return [];
  if (!isObject(value)) return [[key, value]];
  if (key === 'options') {
    const kept = optionsFrom(value);
    return Object.keys(kept).length > 0 ? [[key, kept]] : [];
  }
  if (key === 'nested') return nestedFrom(value, path);
  if (key === 'fields' || key === 'oneofs')
    return [[key, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, pruned(part, path)]))]];
  return [[key, value]];
};

const nestedFrom = (nested: Json, path: string): [string, unknown][] => {
  const kept = Object.entries(nested).flatMap(([name, value]): [string, unknown][] => {
    const full = path === '' ? name : `${path}.${name}`;
    if (!isObject(value) || isDropped(full, value)) return [];
    const part = pruned(value, full);
    return Object.keys(part).length > 0 ? [[name, part]] : [];
  });
  return kept.length > 0 ? [['nested', Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1)))]] : [];
};

const pruned = (value: unknown, path: string): Json =>
  Object.fromEntries(Object.entries(value as Json).flatMap(([key, part]) => entriesFrom(key, part, path)));

/** JSON text with one line per message or enum, so that a change of API version reads as a diff. */
const textFrom = (value: Json): string => {
  if (!isObject(value['nested']) || 'fields' in value) return JSON.stringify(value);
  const lines = Object.entries(value['nested']).map(([name, part]) => `${JSON.stringify(name)}:${textFrom(part as Json)}`);
  return `{"nested":{\n${lines.join(',\n')}\n}}`;
};

/** The API as a protobufjs JSON bundle: names, numbers and types only; no text, annotations, services or options that do not matter here. */
export const bundleFrom = (root: pb.Root): string => `${textFrom(pruned(root.toJSON(), ''))}\n`;
