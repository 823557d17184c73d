import type { TailscaleGateway } from '../../api/generated/tailscale.ts';
import type { HTTPRoute } from '../../api/generated/gateway-api.ts';
import { present } from '../../lib/present.ts';
import { type ConditionsOf, conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import type { ShareFindings } from '../sharing/findings.ts';
import type { Condition, Status } from '../status.ts';
import type { GeneratedPlan } from './generated-routes.ts';
import type { TailnetSync } from './status-tables.ts';

type GatewayStatus = Extract<Status, { readonly kind: 'TailscaleGateway' }>;

export type GatewayFindings = {
  readonly plan: GeneratedPlan;
  /** Whether its Gateway is one of ours, and accepted. */
  readonly isServed: boolean;
  /** Why a generated route is on no listener. */
  readonly refusalOf: (route: HTTPRoute) => Verdict | undefined;
  readonly syncs: ReadonlyMap<string, TailnetSync>;
  readonly shared: ShareFindings;
};

/** Of the CRD. */
const mostServices = 1024;

/** What users are told of a TailscaleGateway: whether it and its routes are taken, whether its services are reached, and what it claims that another had first. */
export const gatewayStatusOf = ({ metadata }: TailscaleGateway, findings: GatewayFindings): GatewayStatus => {
  const { plan, refusalOf, shared, syncs } = findings;
  const conditions = conditionsOf(metadata.generation);
  const conflicts = [...conflictsIn(plan), ...shared.conflicts];
  const refused = plan.routes.flatMap((route) => refusalOf(route) ?? []);
  return {
    kind: 'TailscaleGateway',
    conditions: [
      conditions.unless(gatewayMistake(plan) ?? notServed(findings) ?? refusalIn(refused), 'Accepted', acceptedMessage(plan, shared)),
      ...servicesReady(shared, conditions),
      conflicts.length === 0
        ? conditions.no('Conflicted', 'NoConflicts', 'Nobody else claims its names, hosts and paths')
        : conditions.yes('Conflicted', plan.conflicts.length > 0 ? 'HostConflict' : 'NameConflict', some(conflicts)),
    ],
    fields: {
      tailnetStatus: plan.tailnets.map(({ name, ref, discovered, refused: notAllowed }) => ({
        name,
        discoveredServices: discovered,
        ...present({ lastSync: notAllowed === undefined ? syncs.get(ref)?.at : undefined }),
        observedGeneration: metadata.generation,
      })),
      generatedRoutes: { ...(shared.isSharing ? { ingressRoutes: shared.routes } : {}), egressRoutes: plan.routes.length - refused.length },
      ...(shared.isSharing ? { services: shared.services.slice(0, mostServices) } : {}),
    },
  };
};

/** What users have to change, whatever runs. One tailnet that may not be used does not keep others from being served. */
export const gatewayMistake = ({ refused, tailnets }: Pick<GeneratedPlan, 'refused' | 'tailnets'>): Verdict | undefined => {
  if (refused !== undefined) return refused;
  const verdicts = tailnets.flatMap((tailnet) => (tailnet.refused === undefined ? [] : [{ name: tailnet.name, ...tailnet.refused }]));
  const [first] = verdicts;
  return first && { reason: first.reason, message: verdicts.map(({ name, message }) => `tailnet ${name}: ${message}`).join('; ') };
};

const notServed = ({ isServed, plan }: GatewayFindings): Verdict | undefined =>
  isServed ? undefined : { reason: 'GatewayNotAccepted', message: `Gateway "${plan.gateway}" is not accepted: see its own status` };

const refusalIn = (refused: readonly Verdict[]): Verdict | undefined => {
  const [first] = refused;
  return first && { reason: first.reason, message: `Generated routes that are on no listener: ${refused.length}: ${first.message}` };
};

const acceptedMessage = ({ routes, tailnets }: GeneratedPlan, shared: ShareFindings): string => {
  const direct = routes.length === 0 ? [] : tailnets.filter(({ isDirect }) => isDirect).map(({ name }) => name);
  const left = tailnets.flatMap((tailnet) => tailnet.left);
  return [
    ...(shared.isSharing ? [`Shared routes: ${shared.routes}`] : []),
    ...(shared.isSharing && routes.length === 0 ? [] : [`Generated egress routes: ${routes.length}`]),
    ...(direct.length === 0
      ? []
      : [
          `Envoys have to stand in tailnet ${direct.join(', ')} themselves, for this namespace has no TailscaleProxyGroup of type egress for it`,
        ]),
    ...(left.length === 0 ? [] : [`left out: ${some(left)}`]),
    ...(shared.left.length === 0 ? [] : [`not shared: ${some(shared.left)}`]),
  ].join('; ');
};

const conflictsIn = ({ conflicts }: GeneratedPlan): readonly string[] =>
  conflicts.map(({ claim, winner }) => `${claim} is that of ${winner}`);

/** Said of those that share anything. */
const servicesReady = (
  { isSharing, notReady, services, certificates, remarks }: ShareFindings,
  { unless }: ConditionsOf,
): readonly Condition[] => [
  ...(isSharing
    ? [unless(notReady, 'ServicesReady', `Shared services: ${services.length}${remarks.length === 0 ? '' : `; ${some(remarks)}`}`)]
    : []),
  ...(certificates === undefined ? [] : [unless(certificates.verdict, 'CertificatesReady', certificates.message)]),
];

const shown = 5;

const some = (texts: readonly string[]): string =>
  texts.length <= shown ? texts.join('; ') : `${texts.slice(0, shown).join('; ')}; and ${texts.length - shown} more`;
