import type { KindSchemas, Schema } from '../../src/api/schema.ts';

/** What the object type at a path (field names from the kind's root; list items and map values add nothing) is called. */
export type NameOf = (kind: string, path: readonly string[]) => string;

/**
 * TypeScript declarations of admitted objects, one per distinct object type, most general last: a field that has a default is always
 * there, so it is required. Throws when two different shapes would get one name.
 */
export const typesFrom = (kinds: ReadonlyMap<string, KindSchemas>, nameOf: NameOf): string => {
  const declared: Declared = { types: new Map(), nameOf };
  for (const [kind, { schemas }] of kinds) {
    const newest = schemas[0];
    if (newest === undefined) throw new Error(`unreachable: ${kind} has no version`);
    declareKind(declared, kind, newest);
  }
  return [...declared.types].map(([name, body]) => `export type ${name} = ${body};\n`).join('\n');
};

type Declared = { readonly types: Map<string, string>; readonly nameOf: NameOf };

/** A kind's own type: `metadata` is ours to describe, and `status` is absent until somebody writes one, whatever its defaults. */
const declareKind = (declared: Declared, kind: string, schema: Schema): void => {
  const { spec, status } = schema.properties ?? {};
  if (spec === undefined) throw new Error(`${kind} has no spec`);
  const fields = [
    `  readonly apiVersion: string;`,
    `  readonly kind: '${kind}';`,
    `  readonly metadata: ObjectMeta;`,
    `  readonly spec: ${typeOf(declared, kind, ['spec'], spec)};`,
    ...(status === undefined ? [] : [`  readonly status?: ${typeOf(declared, kind, ['status'], status)};`]),
  ];
  declare(declared, kind, `{\n${fields.join('\n')}\n}`);
};

const typeOf = (declared: Declared, kind: string, path: readonly string[], schema: Schema): string => {
  if (schema['x-kubernetes-int-or-string'] === true) return 'number | string';
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  if (schema.type === 'object') return objectTypeOf(declared, kind, path, schema);
  if (schema.type === 'array') return listOf(typeOf(declared, kind, path, schema.items ?? {}));
  if (schema.type === 'integer') return 'number';
  return schema.type ?? 'unknown';
};

const objectTypeOf = (declared: Declared, kind: string, path: readonly string[], schema: Schema): string => {
  const { properties, additionalProperties } = schema;
  if (typeof additionalProperties === 'object') return `{ readonly [key: string]: ${typeOf(declared, kind, path, additionalProperties)} }`;
  if (properties === undefined) return '{ readonly [key: string]: unknown }';
  const fields = Object.entries(properties).map(([field, child]) => {
    const present = schema.required?.includes(field) === true || child.default !== undefined;
    return `  readonly ${field}${present ? '' : '?'}: ${typeOf(declared, kind, [...path, field], child)};`;
  });
  return declare(declared, declared.nameOf(kind, path), `{\n${fields.join('\n')}\n}`);
};

const declare = ({ types }: Declared, name: string, body: string): string => {
  const known = types.get(name);
  if (known !== undefined && known !== body) throw new Error(`two shapes want the name ${name}:\n${known}\n${body}`);
  types.set(name, body);
  return name;
};

const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value));

const listOf = (item: string): string => (item.includes('|') ? `readonly (${item})[]` : `readonly ${item}[]`);
