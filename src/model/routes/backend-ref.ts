import type { Service, ServicePort } from '../../api/core.ts';
import type { BackendObjectReference } from '../../api/generated/gateway-api.ts';
import { gatewayGroup } from '../../api/kinds.ts';
import { localKey } from '../../lib/key.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Backend } from '../graph.ts';
import { isGranted } from '../grants.ts';
import type { Verdict } from '../route-node.ts';
import { portProtocolOf, type BackendUse } from './app-protocol.ts';
import { tlsOf } from './backend-tls.ts';
import { backendOf, unverifiedTls } from './backends.ts';
import { unresolved, type RuleScope } from './scope.ts';

/** `use`: what is sent there. `policies`: whether BackendTLSPolicies apply, which they do unless clients encrypt all the way to the backend. */
export type BackendNeed = { readonly use: BackendUse; readonly policies: boolean };

/**
 * What a reference leads to; undefined, and a finding, when it does not resolve. Reasons are those of `RouteConditionResolvedRefs`. The grant is
 * asked for before the Service is looked up, so that nobody learns from a status what exists in namespaces that do not let them.
 */
export const backendFrom = (ref: BackendObjectReference, need: BackendNeed, field: string, scope: RuleScope): Backend | undefined => {
  const backend = resolved(ref, need, scope);
  if (backend.ok) return backend.value;
  unresolved(scope, field, backend.problem.reason, backend.problem.message);
  return undefined;
};

const problem = (reason: string, message: string): { readonly ok: false; readonly problem: Verdict } => fail({ reason, message });

const resolved = (ref: BackendObjectReference, { use, policies }: BackendNeed, scope: RuleScope): Result<Backend, Verdict> => {
  const service = serviceFrom(ref, scope);
  if (!service.ok) return service;
  const port = portFrom(service.value, ref, use);
  if (!port.ok) return port;
  const protocol = portProtocolOf(port.value, use);
  if (!protocol.ok) return problem('UnsupportedProtocol', `port ${port.value.port} of Service ${quoted(ref, scope)}: ${protocol.problem}`);
  const tls = policies ? tlsOf(service.value, port.value, scope.read) : ok(undefined);
  if (!tls.ok) return problem('InvalidBackendTLS', tls.problem);
  const own = protocol.value.tls ? unverifiedTls : undefined;
  return ok(backendOf(service.value, port.value.port, protocol.value.protocol, tls.value ?? own));
};

const quoted = (ref: BackendObjectReference, scope: RuleScope): string => `"${ref.namespace ?? scope.namespace}/${ref.name}"`;

const serviceFrom = (ref: BackendObjectReference, scope: RuleScope): Result<Service, Verdict> => {
  const { group, kind, name, namespace = scope.namespace } = ref;
  if (group !== '' || kind !== 'Service') return problem('InvalidKind', `kind ${kind} of group "${group}" is not supported; Service is`);
  const from = { group: gatewayGroup, kind: scope.kind, namespace: scope.namespace };
  if (!isGranted(scope.read, from, { group, kind, namespace, name })) {
    return problem('RefNotPermitted', `Service "${namespace}/${name}" is in another namespace, and no ReferenceGrant there permits this`);
  }
  const service = scope.read('Service', localKey(namespace, name));
  if (service === undefined) return problem('BackendNotFound', `Service "${namespace}/${name}" not found`);
  if (service.spec.type !== 'ExternalName') return ok(service);
  return problem('InvalidKind', `Service "${namespace}/${name}" is of type ExternalName, which is not supported`);
};

const portFrom = (service: Service, ref: BackendObjectReference, use: BackendUse): Result<ServicePort, Verdict> => {
  const name = `"${service.metadata.namespace ?? ''}/${service.metadata.name}"`;
  if (ref.port === undefined) return problem('BackendNotFound', `a reference to a Service needs a port (Service ${name})`);
  const ports = (service.spec.ports ?? []).filter(({ port }) => port === ref.port);
  const transport = use === 'udp' ? 'UDP' : 'TCP';
  const port = ports.find(({ protocol }) => protocol === transport);
  if (port !== undefined) return ok(port);
  const [other] = ports;
  if (other === undefined) return problem('BackendNotFound', `Service ${name} has no port ${ref.port}`);
  return problem('UnsupportedProtocol', `port ${ref.port} of Service ${name} is ${other.protocol}, not ${transport}`);
};
