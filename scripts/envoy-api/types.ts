import pb from 'protobufjs';

/** ProtoJSON forms of the well-known types; their mapping is fixed by the protobuf JSON specification. */
const wellKnown = `export declare namespace google.protobuf {
  /** A message of any type: its type URL, and its fields beside it. */
  type Any = { readonly '@type': string; readonly [field: string]: unknown };
  type Duration = \`\${number}s\`;
  type Timestamp = string;
  type FieldMask = string;
  type Empty = { readonly [field: string]: never };
  type Value = null | boolean | number | string | readonly Value[] | { readonly [field: string]: Value };
  type Struct = { readonly [field: string]: Value };
  type ListValue = readonly Value[];
  type NullValue = null;
  type BoolValue = boolean;
  type StringValue = string;
  /** Base64. */
  type BytesValue = string;
  type DoubleValue = number | 'NaN' | 'Infinity' | '-Infinity';
  type FloatValue = DoubleValue;
  type Int32Value = number;
  type UInt32Value = number;
  type Int64Value = number | string;
  type UInt64Value = number | string;
}
`;

const scalarTypes: Readonly<Record<string, string>> = {
  bool: 'boolean',
  string: 'string',
  bytes: 'google.protobuf.BytesValue',
  float: 'google.protobuf.FloatValue',
  double: 'google.protobuf.DoubleValue',
  int64: 'google.protobuf.Int64Value',
  sint64: 'google.protobuf.Int64Value',
  sfixed64: 'google.protobuf.Int64Value',
  uint64: 'google.protobuf.UInt64Value',
  fixed64: 'google.protobuf.UInt64Value',
};

type Kind = pb.Type | pb.Enum;

const nameOf = (kind: pb.ReflectionObject): string => kind.fullName.slice(1);

const isWellKnown = (kind: Kind): boolean => kind.fullName.startsWith('.google.protobuf.');

/** Messages and enums reachable from the named roots through fields, by full name; well-known types left out. */
const closureOf = (root: pb.Root, roots: readonly string[]): ReadonlyMap<string, Kind> => {
  const reached = new Map<string, Kind>();
  const visit = (kind: Kind): void => {
    if (isWellKnown(kind) || reached.has(nameOf(kind))) return;
    reached.set(nameOf(kind), kind);
    if (kind instanceof pb.Type) for (const field of kind.fieldsArray) if (field.resolve().resolvedType) visit(field.resolvedType as Kind);
  };
  for (const name of roots) visit(root.lookupType(name));
  return reached;
};

const fieldFrom = (field: pb.Field): string => {
  const type = field.resolvedType ? nameOf(field.resolvedType) : (scalarTypes[field.type] ?? 'number');
  const shape = field instanceof pb.MapField ? `{ readonly [key: string]: ${type} }` : field.repeated ? `readonly ${type}[]` : type;
  const deprecated = field.getOption('deprecated') ? '/** @deprecated */ ' : '';
  return `${deprecated}readonly ${field.jsonName}?: ${shape} | undefined;`;
};

const declarationFrom = (kind: Kind): string => {
  if (kind instanceof pb.Enum) {
    const values = Object.keys(kind.values).map((value) => `'${value}'`);
    return `  type ${kind.name} = ${values.join(' | ')};`;
  }
  if (kind.fieldsArray.length === 0) return `  type ${kind.name} = google.protobuf.Empty;`;
  const fields = kind.fieldsArray.toSorted((a, b) => a.id - b.id).map((field) => `    ${fieldFrom(field)}`);
  return [`  interface ${kind.name} {`, ...fields, '  }'].join('\n');
};

/**
 * TypeScript source declaring the ProtoJSON shape of every message reachable from `roots`, in namespaces named as the proto packages, and
 * a `Messages` interface from full message name to shape. Types only: nothing of it exists at run time.
 * Properties accept `undefined`, which the codec reads as absent.
 */
export const typesFrom = (root: pb.Root, roots: readonly string[], header: string): string => {
  const closure = [...closureOf(root, roots)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const namespaces = Map.groupBy(closure, ([name]) => name.slice(0, name.lastIndexOf('.')));
  const declared = [...namespaces].map(([name, members]) =>
    [`export declare namespace ${name} {`, ...members.map(([, kind]) => declarationFrom(kind)), '}', ''].join('\n'),
  );
  const messages = closure.filter(([, kind]) => kind instanceof pb.Type).map(([name]) => `  '${name}': ${name};`);
  const index = ['/** Shape of each message, by its full name. */', 'export interface Messages {', ...messages, '}', ''].join('\n');
  return [header, wellKnown, ...declared, index].join('\n');
};
