import type { Service, ServicePort } from '../../api/core.ts';
import { localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Backend } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { type BackendUse, portProtocolOf } from './app-protocol.ts';
import type { BackendNeed } from './backend-need.ts';
import { tlsOf } from './backend-tls.ts';
import { backendOf, unverifiedTls } from './backends.ts';

const problem = (reason: string, message: string): { readonly ok: false; readonly problem: Verdict } => fail({ reason, message });

const quoted = (service: Service): string => `"${localKeyOf(service)}"`;

/** What a reference to a Service leads to. */
export const serviceBackend = (
  service: Service,
  asked: number | undefined,
  { use, policies }: BackendNeed,
  read: Read<ModelTables>,
): Result<Backend, Verdict> => {
  if (service.spec.type === 'ExternalName')
    return problem('InvalidKind', `Service ${quoted(service)} is of type ExternalName, which is not supported`);
  const found = portFrom(service, asked, use);
  if (!found.ok) return found;
  const { port, name } = found.value;
  const protocol = portProtocolOf(found.value, use);
  if (!protocol.ok) return problem('UnsupportedProtocol', `port ${port} of Service ${quoted(service)}: ${protocol.problem}`);
  const policy = policies ? tlsOf(service, name, read) : ok(undefined);
  if (!policy.ok) return problem('InvalidBackendTLS', policy.problem);
  const tls = policy.value ?? (protocol.value.tls ? unverifiedTls : undefined);
  return ok(backendOf(service, { port, protocol: protocol.value.protocol, ...(tls === undefined ? {} : { tls }) }));
};

const portFrom = (service: Service, asked: number | undefined, use: BackendUse): Result<ServicePort, Verdict> => {
  if (asked === undefined) return problem('BackendNotFound', `a reference to a Service needs a port (Service ${quoted(service)})`);
  const ports = (service.spec.ports ?? []).filter(({ port }) => port === asked);
  const transport = use === 'udp' ? 'UDP' : 'TCP';
  const port = ports.find(({ protocol }) => protocol === transport);
  if (port !== undefined) return ok(port);
  const [other] = ports;
  if (other === undefined) return problem('BackendNotFound', `Service ${quoted(service)} has no port ${asked}`);
  return problem('UnsupportedProtocol', `port ${asked} of Service ${quoted(service)} is ${other.protocol}, not ${transport}`);
};
