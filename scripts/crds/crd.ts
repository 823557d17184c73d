import type { KindSchemas, Schema } from '../../src/api/schema.ts';

/** A CustomResourceDefinition, as far as types and schemas come from it. */
export type Crd = {
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
};

/** The served versions' schemas without their descriptions; versions that are alike share one. */
export const schemasOf = (spec: Crd['spec']): KindSchemas => {
  const schemas: Schema[] = [];
  const texts: string[] = [];
  const versions: Record<string, number> = {};
  for (const { name, served, schema } of spec.versions) {
    if (!served) continue;
    const bare = withoutDescriptions(schema.openAPIV3Schema);
    const text = JSON.stringify(bare);
    if (!texts.includes(text)) {
      texts.push(text);
      schemas.push(bare);
    }
    versions[name] = texts.indexOf(text);
  }
  return { group: spec.group, plural: spec.names.plural, scope: spec.scope, versions, schemas };
};

/** Below `properties` a `description` is a field of the user's; anywhere else it is prose. */
const withoutDescriptions = (schema: Schema): Schema => {
  const { description: _, properties, items, additionalProperties, ...rest } = schema as Schema & { readonly description?: string };
  return {
    ...rest,
    ...(items && { items: withoutDescriptions(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: typeof additionalProperties === 'boolean' ? additionalProperties : withoutDescriptions(additionalProperties),
    }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, withoutDescriptions(child)])),
    }),
  };
};
