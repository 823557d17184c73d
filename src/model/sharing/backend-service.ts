import type { EndpointSlice, Service } from '../../api/core.ts';
import type { ServiceBackend, TailscaleServices } from '../../api/generated/tailscale.ts';
import { tailscaleGroup } from '../../api/kinds.ts';
import { localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { isGranted } from '../grants.ts';
import type { ModelTables } from '../tables.ts';

/** The Service of an entry of `backends`; else, for users, why it cannot be used. */
export const serviceOfBackend = (
  { name, namespace: written }: NonNullable<ServiceBackend['kubernetes']>,
  field: string,
  services: TailscaleServices,
  read: Read<ModelTables>,
): Result<Service, string> => {
  const own = services.metadata.namespace ?? '';
  const namespace = written ?? own;
  const to = { group: '', kind: 'Service', namespace, name };
  if (!isGranted(read, { group: tailscaleGroup, kind: 'TailscaleServices', namespace: own }, to))
    return fail(`${field}: Service "${namespace}/${name}" is in another namespace, and no ReferenceGrant there permits this`);
  const service = read('Service', localKey(namespace, name));
  return service === undefined ? fail(`${field}: Service "${namespace}/${name}" not found`) : ok(service);
};

/** Whether a Service, `namespace/name`, has an endpoint that is ready. */
export const hasReadyEndpoint = (key: string, read: Read<ModelTables>): boolean => (read('slicesOf', key) ?? []).some(isReady);

const isReady = ({ endpoints }: EndpointSlice): boolean => endpoints.some(({ conditions }) => conditions?.ready ?? true);
