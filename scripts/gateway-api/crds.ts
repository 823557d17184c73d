import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KindSchemas } from '../../src/api/schema.ts';
import { type Crd, schemasOf } from '../crds/crd.ts';

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
