import { hostPortText } from '../../lib/host-port.ts';
import type { ObjectKey } from '../../lib/key.ts';
import type { Backend } from '../../model/graph.ts';
import type { Step } from './explanation.ts';
import { tailnetSteps } from './tailnet-backend.ts';
import { refusals } from './troubles.ts';
import type { World } from './world.ts';

type Share = { readonly backend?: Backend; readonly weight: number };

/** Whose shares they are, and what becomes of one without a backend. */
type Rule = { readonly owner: ObjectKey; readonly shares: readonly Share[]; readonly without: string };

/** Backends of a rule with their shares and endpoints. `valid`: some share has a backend; `reachable`: one of those has an endpoint that is well. */
export const backendSteps = (
  { owner, shares, without }: Rule,
  world: World,
): { readonly steps: readonly Step[]; readonly valid: boolean; readonly reachable: boolean } => {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  const steps: Step[] = [];
  let valid = false;
  let reachable = false;
  for (const { backend, weight } of shares) {
    const part = total === 0 ? '0 %' : `${Number(((100 * weight) / total).toFixed(2))} %`;
    if (backend === undefined) {
      const why = refusals(world.graph, owner).map((message) => `: ${message}`);
      steps.push({ at: 'backend', name: '', detail: `${part}: the reference does not resolve, ${without}${why.join('')}` });
      continue;
    }
    steps.push({ at: 'backend', name: backend.id, detail: `${part}, ${protocolText(backend)}`, object: backend.key });
    steps.push(...(backend.reach === undefined ? plainSteps(backend, world) : tailnetSteps({ ...backend, reach: backend.reach }, world)));
    valid ||= weight > 0;
    reachable ||= weight > 0 && membersOf(backend, world).some(({ healthy }) => healthy);
  }
  return { steps, valid, reachable };
};

const membersOf = ({ id }: Backend, { graph }: World) => (graph.endpoints.get(id) ?? []).flatMap(({ endpoints }) => endpoints);

const plainSteps = (backend: Backend, world: World): readonly Step[] => {
  const members = membersOf(backend, world);
  if (members.length === 0) return [{ at: 'endpoint', name: '', detail: 'no endpoints' }];
  return members.map(({ address, port, healthy }) => ({
    at: 'endpoint',
    name: hostPortText({ host: address, port }),
    detail: healthy ? 'healthy' : 'unhealthy',
  }));
};

const protocolText = ({ protocol, tls }: Backend): string => (tls === undefined ? protocol : `${protocol} over TLS (${verifyText(tls)})`);

const verifyText = ({ verify, hostname }: NonNullable<Backend['tls']>): string =>
  verify.by === 'none'
    ? 'not verified'
    : `verified as ${hostname ?? 'its names'} by ${verify.by === 'ca' ? verify.ca.owner : 'system CAs'}`;
