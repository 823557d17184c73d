import type { BackendObjectReference } from '../../api/generated/gateway-api.ts';
import { kinds } from '../../api/kinds.ts';
import { localKey } from '../../lib/key.ts';
import { fail, type Result } from '../../lib/result.ts';
import type { Backend } from '../graph.ts';
import { isGranted } from '../grants.ts';
import type { Verdict } from '../route-node.ts';
import { endpointsBackend, servicesBackend, type TailnetBackend } from '../tailnets/backend.ts';
import type { BackendNeed } from './backend-need.ts';
import { isBackendKind } from './policy-targets.ts';
import { remark, unresolved, type RuleScope } from './scope.ts';
import { serviceBackend } from './service-backend.ts';

/**
 * What a reference leads to; undefined, and a finding, when it does not resolve. Reasons are those of `RouteConditionResolvedRefs`. The grant is
 * asked for before the backend is looked up, so that nobody learns from a status what exists in namespaces that do not let them.
 */
export const backendFrom = (ref: BackendObjectReference, need: BackendNeed, field: string, scope: RuleScope): Backend | undefined => {
  const found = resolved(ref, need, scope);
  if (!found.ok) {
    unresolved(scope, field, found.problem.reason, found.problem.message);
    return undefined;
  }
  for (const text of found.value.remarks) remark(scope, field, text);
  return found.value.backend;
};

const resolved = (ref: BackendObjectReference, need: BackendNeed, scope: RuleScope): Result<TailnetBackend, Verdict> => {
  const { group, kind, name, port, namespace = scope.namespace } = ref;
  if (!isBackendKind(group, kind)) {
    const message = `kind ${kind} of group "${group}" is not supported; Service, TailscaleEndpoints and TailscaleServices are`;
    return fail({ reason: 'InvalidKind', message });
  }
  const from = { group: kinds[scope.kind].group, kind: scope.kind, namespace: scope.namespace };
  if (!isGranted(scope.read, from, { group, kind, namespace, name })) {
    const message = `${kind} "${namespace}/${name}" is in another namespace, and no ReferenceGrant there permits this`;
    return fail({ reason: 'RefNotPermitted', message });
  }
  const found = foundAt(kind, localKey(namespace, name), scope);
  if (found === undefined) return fail({ reason: 'BackendNotFound', message: `${kind} "${namespace}/${name}" not found` });
  if (found.kind === 'TailscaleEndpoints') return endpointsBackend(found, port, need, scope.read);
  if (found.kind === 'TailscaleServices') return servicesBackend(found, port, need, scope.read);
  const backend = serviceBackend(found, port, need, scope.read);
  return backend.ok ? { ok: true, value: { backend: backend.value, remarks: [] } } : backend;
};

const foundAt = (kind: string, key: string, { read }: RuleScope) => {
  if (kind === 'TailscaleEndpoints') return read('TailscaleEndpoints', key);
  return kind === 'TailscaleServices' ? read('TailscaleServices', key) : read('Service', key);
};
