import type { Kind } from '../../api/kinds.ts';
import type { KindSchemas, Schema } from '../../api/schema.ts';
import gatewayApi from '../../api/generated/gateway-api.json' with { type: 'json' };
import tailscale from '../../api/generated/tailscale.json' with { type: 'json' };
import { coreSchemas } from './core-schemas.ts';
import { type CheckRules, compileRules } from './rules.ts';
import { type Admit, compileSchema } from './structural.ts';

/** A kind's schema, ready to use: `fields` are the root's own (`spec`, `data`, …), without apiVersion, kind and metadata. */
export type CompiledSchema = { readonly admit: Admit; readonly checkRules: CheckRules };

/** The compiled schema of a served version; made at the first use, since most configurations use few kinds. */
export const compiledSchemaOf = (kind: Kind, version: string): CompiledSchema => {
  const schema = schemaOf(kind, version);
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = { admit: compileSchema(schema), checkRules: compileRules(schema) };
  compiled.set(schema, made);
  return made;
};

const compiled = new Map<Schema, CompiledSchema>();

const schemaOf = (kind: Kind, version: string): Schema => {
  const known = bodies.get(`${kind}/${version}`);
  if (known === undefined) throw new Error(`unreachable: no schema for ${kind} ${version}`);
  return known;
};

/**
 * What an object holds beside apiVersion, kind and metadata, which every kind shares. `status` is not among it: an API server drops what
 * a user writes there.
 */
const bodyOf = (schema: Schema, dropped: readonly string[]): Schema => ({
  ...schema,
  required: (schema.required ?? []).filter((name) => !dropped.includes(name)),
  properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => !dropped.includes(name))),
});

const customKinds = { ...gatewayApi.kinds, ...tailscale.kinds } as unknown as Readonly<Record<string, KindSchemas>>;

const bodies: ReadonlyMap<string, Schema> = new Map([
  ...Object.entries(customKinds).flatMap(([kind, { versions, schemas }]) => {
    const bare = schemas.map((schema) => bodyOf(schema, ['apiVersion', 'kind', 'metadata', 'status']));
    return Object.entries(versions).map(([version, index]) => [`${kind}/${version}`, bare[index] ?? {}] as const);
  }),
  ...Object.entries(coreSchemas).map(([kind, schema]) => [`${kind}/v1`, schema] as const),
]);
