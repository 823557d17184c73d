import type { Backend, Locality } from '../../model/graph.ts';
import type { Step } from './explanation.ts';

type Share = { readonly backend?: Backend; readonly weight: number };

/** Backends of a rule with their shares and endpoints. `valid`: some share has a backend; `reachable`: one of those has endpoints. */
export const backendSteps = (
  shares: readonly Share[],
  endpoints: ReadonlyMap<string, readonly Locality[]>,
  without: string,
): { readonly steps: readonly Step[]; readonly valid: boolean; readonly reachable: boolean } => {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  const steps: Step[] = [];
  let valid = false;
  let reachable = false;
  for (const { backend, weight } of shares) {
    const part = total === 0 ? '0 %' : `${Number(((100 * weight) / total).toFixed(2))} %`;
    if (backend === undefined) {
      steps.push({ at: 'backend', name: '', detail: `${part}: the reference does not resolve, ${without}` });
      continue;
    }
    steps.push({ at: 'backend', name: backend.id, detail: `${part}, ${protocolText(backend)}`, object: backend.key });
    const members = (endpoints.get(backend.id) ?? []).flatMap((locality) => locality.endpoints);
    if (members.length === 0) steps.push({ at: 'endpoint', name: '', detail: 'no endpoints' });
    for (const { address, port, healthy } of members) {
      const name = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
      steps.push({ at: 'endpoint', name, detail: healthy ? 'healthy' : 'unhealthy' });
    }
    valid ||= weight > 0;
    reachable ||= weight > 0 && members.length > 0;
  }
  return { steps, valid, reachable };
};

const protocolText = ({ protocol, tls }: Backend): string => (tls === undefined ? protocol : `${protocol} over TLS (${verifyText(tls)})`);

const verifyText = ({ verify, hostname }: NonNullable<Backend['tls']>): string =>
  verify.by === 'none'
    ? 'not verified'
    : `verified as ${hostname ?? 'its names'} by ${verify.by === 'ca' ? verify.ca.owner : 'system CAs'}`;
