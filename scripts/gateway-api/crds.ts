import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KindSchemas, Schema } from '../../src/api/schema.ts';

/** The release whose CRDs we follow; the experimental channel holds everything the standard one does. */
export const gatewayApiModule = 'sigs.k8s.io/gateway-api@v1.6.3';
const channel = 'config/crd/experimental';

const kinds: readonly string[] = [
  'GatewayClass',
  'Gateway',
  'ListenerSet',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'ReferenceGrant',
  'BackendTLSPolicy',
];

type Crd = {
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

/** Every kind's served schemas without their descriptions, by kind in reading order. Throws when the module has no such kind. */
export const readCrds = (): ReadonlyMap<string, KindSchemas> => {
  const folder = join(moduleFolder(), channel);
  const crds = new Map<string, Crd['spec']>();
  for (const file of readdirSync(folder)) {
    if (!file.startsWith('gateway.networking.k8s.io_') || file.includes('_vap_')) continue;
    const { spec } = parse(readFileSync(join(folder, file), 'utf8')) as Crd;
    crds.set(spec.names.kind, spec);
  }
  return new Map(
    kinds.map((kind) => {
      const spec = crds.get(kind);
      if (spec === undefined) throw new Error(`${gatewayApiModule} has no ${kind}`);
      return [kind, schemasOf(spec)];
    }),
  );
};

const moduleFolder = (): string => {
  const answer = execFileSync('go', ['mod', 'download', '-json', gatewayApiModule], { encoding: 'utf8' });
  return (JSON.parse(answer) as { readonly Dir: string }).Dir;
};

const schemasOf = (spec: Crd['spec']): KindSchemas => {
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
