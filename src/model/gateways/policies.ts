import { gathering } from '../../lib/gather.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import { memo, type Read } from '../../lib/memo.ts';
import type { BackendTLSPolicy } from '../../api/generated/gateway-api.ts';
import { targetOf } from '../routes/policy-targets.ts';
import type { Attached, Attachments } from './attach.ts';
import type { JudgedListener } from './judge.ts';
import type { AnyRoute, GatewayTables } from './tables.ts';

type Ref = { readonly group?: string; readonly kind?: string; readonly namespace?: string; readonly name?: string };

/** The BackendTLSPolicies that target a backend which some route on the Gateway refers to, valid or not, by key. */
export const policiesUsed = ({ on }: Attachments, read: Read<GatewayTables>): readonly BackendTLSPolicy[] => {
  const targets = new Set([...on].flatMap(([listener, attached]) => targetsOn(listener)(attached)));
  const policies = new Map(
    [...targets].flatMap((target) => read('backendTlsPolicies', target) ?? []).map((policy) => [keyOf(policy), policy]),
  );
  return [...policies].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, policy]) => policy);
};

/** Backends that routes on one listener name, in order. */
const targetsOn = memo<JudgedListener, (attached: readonly Attached[]) => readonly ObjectKey[]>(() =>
  gathering<Attached, ObjectKey>(
    ({ route }) => backendKeysOf(route),
    (key) => key,
  ),
);

/** Every backend a route names anywhere: backends, mirrors, external auth. */
const backendKeysOf = memo((route: AnyRoute): readonly ObjectKey[] => {
  const found = new Set<ObjectKey>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item, key);
      return;
    }
    const { group = '', kind = '', name, namespace }: Ref = value;
    if ((key === 'backendRefs' || key === 'backendRef') && name !== undefined) {
      const target = targetOf({ group, kind, name }, namespace ?? route.metadata.namespace);
      if (target !== undefined) found.add(target);
    }
    for (const [field, inner] of Object.entries(value)) visit(inner, field);
  };
  visit(route.spec.rules, 'rules');
  return [...found];
});
