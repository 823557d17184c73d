import type { TailscaleGateway } from '../../api/generated/tailscale.ts';
import { tailscaleGroup } from '../../api/kinds.ts';
import { localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { isGranted } from '../grants.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';

/** The Gateway that a TailscaleGateway names, `namespace/name`. */
export const gatewayNamedBy = ({ metadata, spec: { gatewayRef } }: TailscaleGateway): string =>
  localKey(gatewayRef.namespace ?? metadata.namespace ?? '', gatewayRef.name);

/**
 * Why a TailscaleGateway gets nothing of the Gateway it names. The grant is asked for before the Gateway is looked up, so that nobody learns from a
 * status what exists elsewhere.
 */
export const gatewayRefusal = (
  { metadata: { namespace: own = '' }, spec: { gatewayRef } }: TailscaleGateway,
  read: Read<Pick<ModelTables, 'Gateway' | 'grantsTo'>>,
): Verdict | undefined => {
  const { group, kind, name, namespace = own } = gatewayRef;
  const key = localKey(namespace, name);
  if (!isGranted(read, { group: tailscaleGroup, kind: 'TailscaleGateway', namespace: own }, { group, kind, namespace, name }))
    return { reason: 'RefNotPermitted', message: `Gateway "${key}" is in another namespace, and no ReferenceGrant there permits this` };
  return read('Gateway', key) === undefined ? { reason: 'GatewayNotFound', message: `Gateway "${key}" not found` } : undefined;
};
