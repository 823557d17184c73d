import { tailscaleGroup } from '../../api/kinds.ts';
import { type ObjectKey, objectKey } from '../../lib/key.ts';

type Ref = { readonly group: string; readonly kind: string; readonly name: string };

/** What a BackendTLSPolicy of a namespace targets; undefined for what it cannot. */
export const targetOf = ({ group, kind, name }: Ref, namespace: string | undefined): ObjectKey | undefined =>
  isBackendKind(group, kind) ? objectKey(kind, namespace ?? '', name) : undefined;

/** Whether routes may refer to things of this kind as backends. */
export const isBackendKind = (group: string, kind: string): boolean =>
  (group === '' && kind === 'Service') || (group === tailscaleGroup && (kind === 'TailscaleEndpoints' || kind === 'TailscaleServices'));
