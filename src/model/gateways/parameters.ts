import type { Gateway, GatewayClass } from '../../api/generated/gateway-api.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { ProxyParameters } from '../infrastructure.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';

type Tables = Pick<ModelTables, 'GatewayClass' | 'GatewayParameters'>;
type Ref = { readonly group: string; readonly kind: string; readonly name: string; readonly namespace?: string };

/** How a Gateway wants its Envoys to be run: its own parameters over those of its class, or why they are not to be had. */
export const parametersOf = (gateway: Gateway, read: Read<Tables>): Result<ProxyParameters, Verdict> => {
  const gatewayClass = read('GatewayClass', `/${gateway.spec.gatewayClassName}`);
  const ofClass = gatewayClass === undefined ? ok({}) : classParametersOf(gatewayClass, read);
  if (!ofClass.ok) return ofClass;
  const ref = gateway.spec.infrastructure?.parametersRef;
  if (ref === undefined) return ofClass;
  const own = parametersAt({ ...ref, namespace: gateway.metadata.namespace ?? '' }, 'spec.infrastructure.parametersRef', read);
  return own.ok ? ok(overlaid(ofClass.value, own.value)) : own;
};

/** What a class says for all its Gateways. */
export const classParametersOf = ({ spec }: GatewayClass, read: Read<Tables>): Result<ProxyParameters, Verdict> =>
  spec.parametersRef === undefined ? ok({}) : parametersAt(spec.parametersRef, 'spec.parametersRef', read);

const parametersAt = ({ group, kind, namespace, name }: Ref, field: string, read: Read<Tables>): Result<ProxyParameters, Verdict> => {
  const invalid = (message: string) => fail({ reason: 'InvalidParameters', message: `${field}: ${message}` });
  if (group !== 'gateway.tailscale.com' || kind !== 'GatewayParameters')
    return invalid(`kind ${kind} of group "${group}" is not supported; GatewayParameters of gateway.tailscale.com is`);
  if (namespace === undefined || namespace === '') return invalid(`namespace of GatewayParameters "${name}" is missing`);
  const found = read('GatewayParameters', `${namespace}/${name}`);
  return found === undefined ? invalid(`GatewayParameters "${namespace}/${name}" not found`) : ok(found.spec);
};

/** `over` laid over `under`, field by field within each section. A number of replicas and their automatic choice replace each other. */
export const overlaid = (under: ProxyParameters, over: ProxyParameters): ProxyParameters => {
  const { replicas, autoscaling, ...rest } = under;
  const scale = over.replicas === undefined && over.autoscaling === undefined ? { replicas, autoscaling } : {};
  const merged: Record<string, unknown> = Object.fromEntries(
    Object.entries({ ...scale, ...rest, ...over }).filter(([, value]) => value !== undefined),
  );
  for (const section of ['envoy', 'pod', 'service', 'shutdown'] as const)
    if (under[section] !== undefined && over[section] !== undefined) merged[section] = { ...under[section], ...over[section] };
  return merged;
};
