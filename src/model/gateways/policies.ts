import { keyOf, localKey } from '../../lib/key.ts';
import { memo, type Read } from '../../lib/memo.ts';
import type { BackendTLSPolicy } from '../../api/generated/gateway-api.ts';
import type { Attachments } from './attach.ts';
import type { AnyRoute, GatewayTables } from './tables.ts';

type Ref = { readonly group?: string; readonly kind?: string; readonly namespace?: string; readonly name?: string };

/** The BackendTLSPolicies that target a Service which some route on the Gateway refers to, valid or not, by key. */
export const policiesUsed = ({ on }: Attachments, read: Read<GatewayTables>): readonly BackendTLSPolicy[] => {
  const services = new Set([...on.values()].flatMap((attached) => attached.flatMap(({ route }) => servicesOf(route))));
  const policies = new Map(
    [...services].flatMap((service) => read('backendTlsPolicies', service) ?? []).map((policy) => [keyOf(policy), policy]),
  );
  return [...policies].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, policy]) => policy);
};

/** Every Service a route names anywhere: backends, mirrors, external auth. */
const servicesOf = memo((route: AnyRoute): readonly string[] => {
  const found = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item, key);
      return;
    }
    const ref: Ref = value;
    if ((key === 'backendRefs' || key === 'backendRef') && ref.group === '' && ref.kind === 'Service' && ref.name !== undefined) {
      found.add(localKey(ref.namespace ?? route.metadata.namespace ?? '', ref.name));
    }
    for (const [field, inner] of Object.entries(value)) visit(inner, field);
  };
  visit(route.spec.rules, 'rules');
  return [...found];
});
