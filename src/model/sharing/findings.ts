import type { SharedServiceStatus, TailscaleGateway } from '../../api/generated/tailscale.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { present } from '../../lib/present.ts';
import type { ObservedVipService } from '../../api/observations.ts';
import type { Verdict } from '../route-node.ts';
import { type Candidate, routesOf, type Left } from './candidates.ts';
import { type CertificateFindings, certificateFindingsOf } from './certificate-findings.ts';
import type { SharedService } from './services.ts';
import type { Share } from './share.ts';
import type { Sharing } from './sharing.ts';
import { conflicting, halfClosed, objectText, remarksOn, standingOf, type Whereabouts } from './standing.ts';

/** What there is to say of what a TailscaleGateway shares. */
export type ShareFindings = {
  /** Whether it shares anything with anybody. */
  readonly isSharing: boolean;
  readonly services: readonly SharedServiceStatus[];
  /** How many routes are reached through them. */
  readonly routes: number;
  /** Why some service cannot be reached, the first one. */
  readonly notReady?: Verdict;
  /** What of services is not as it should be though they are reached, for users. */
  readonly remarks: readonly string[];
  /** What is not shared, or not quite, for users. */
  readonly left: readonly string[];
  /** What others have, for users. */
  readonly conflicts: readonly string[];
  /** Absent where none is used, or nobody knows what time it is. */
  readonly certificates?: CertificateFindings;
};

/** What can never be as asked, and is not waited for. */
const unshareable: ReadonlySet<string> = new Set(['UnsupportedProtocol', 'UnsupportedValue']);

export const shareFindingsOf = (gateway: TailscaleGateway, sharing: Sharing, world: Whereabouts): ShareFindings => {
  const own = sharing.shares.filter(([{ owner }]) => owner === gateway);
  const ofOwner = [...sharing.services].filter(([, { candidate }]) => candidate.share.owner === gateway);
  const told = ofOwner.map(([key, service]) => toldOf(key, service, sharing, world));
  const left = own.flatMap(([, list]) => list);
  const conflicts = [
    ...sharing.conflicts
      .filter(({ claim }) => claim.owner === gateway)
      .map(({ claim, what, winner }) => `${conflictSubject(claim.candidate)}${what} is that of ${winner}`),
    ...told.flatMap(({ status, failure }) =>
      failure !== undefined && conflicting.has(failure.reason) ? [`${status.name}: ${failure.message}`] : [],
    ),
  ];
  const broken = told.find(({ failure }) => failure !== undefined);
  const unhosted = own.find(([share]) => share.unhosted !== undefined)?.[0];
  return {
    isSharing: own.length > 0,
    services: told
      .map(({ status }) => status)
      .toSorted((one, other) => byCodeUnit(`${one.name} ${one.tailnet}`, `${other.name} ${other.tailnet}`)),
    routes: new Set(ofOwner.flatMap(([, { plan }]) => plan.ports.flatMap((port) => port.routes.map(({ shared }) => shared)))).size,
    remarks: told.flatMap(({ status: { name }, remarks }) => remarks.map((remark) => `${name}: ${remark}`)),
    ...present({ notReady: unhostedVerdict(unhosted) ?? brokenVerdict(broken, told) ?? leftVerdict(left) }),
    left: left.map(({ what, message }) => `${leftText(what)}: ${message}`),
    conflicts,
    ...present({
      certificates:
        world.hour === undefined
          ? undefined
          : certificateFindingsOf(
              ofOwner.map(([, service]) => service),
              sharing.services,
              world.hour,
            ),
    }),
  };
};

const conflictSubject = (candidate: Candidate | undefined): string => {
  if (candidate?.ofGateway === true) return `Gateway "${candidate.share.gateway}": `;
  const [oldest] = candidate?.routes ?? [];
  return oldest === undefined ? '' : `${objectText(keyOf(oldest.route))}: `;
};

const leftText = (what: string): string => (what.split('/').length === 3 ? objectText(what as ObjectKey) : what);

type Told = { readonly status: SharedServiceStatus; readonly failure?: Verdict; readonly remarks: readonly string[] };

const unhostedVerdict = (share: Share | undefined): Verdict | undefined =>
  share?.unhosted && { reason: share.unhosted.reason, message: `tailnet ${share.entry}: ${share.unhosted.message}` };

const brokenVerdict = (broken: Told | undefined, told: readonly Told[]): Verdict | undefined => {
  if (broken?.failure === undefined) return undefined;
  const count = told.filter(({ failure }) => failure !== undefined).length;
  const others = count === 1 ? '' : `; and ${count - 1} more that are not ready`;
  return { reason: broken.failure.reason, message: `${broken.status.name}: ${broken.failure.message}${others}` };
};

const leftVerdict = (left: readonly Left[]): Verdict | undefined => {
  const first = left.find(({ reason }) => !unshareable.has(reason));
  return first && { reason: first.reason, message: `${leftText(first.what)}: ${first.message}` };
};

const mostRoutes = 64;
const mostAddresses = 8;

const toldOf = (key: string, service: SharedService, sharing: Sharing, world: Whereabouts): Told => {
  const { candidate, dnsName, plan } = service;
  const { share, name } = candidate;
  const { tailnet } = share;
  const observed = world.sharedServices.get(key);
  const ports = plan.numbers.map((port) => `tcp:${port}`);
  const asked = { key, tailnet, name, sets: [share.set], ports };
  const failure = share.unhosted ?? plan.waits ?? (sharing.entrances.without.has(key) ? noPortLeft : undefined) ?? standingOf(asked, world);
  const remarks = failure === undefined ? remarksOn(asked, world) : [];
  const message = [...(failure === undefined ? remarks : [failure.message]), ...(isRaw(service) ? [halfClosed] : [])].join('; ');
  return {
    status: {
      name,
      tailnet,
      ...present({ dnsName, ownerCluster: observed?.owner, vipAddresses: addressesOf(observed) }),
      ports,
      routes: routesOf(candidate).slice(0, mostRoutes),
      ...(observed === undefined ? {} : { consumerCount: observed.consumers.length }),
      status: failure?.reason ?? 'Ready',
      ...(message === '' ? {} : { message }),
    },
    remarks,
    ...present({ failure }),
  };
};

const noPortLeft: Verdict = { reason: 'PortsExhausted', message: 'this Gateway has no port left for it; share fewer services' };

const addressesOf = (observed: ObservedVipService | undefined): readonly string[] | undefined =>
  observed === undefined || observed.addresses.length === 0 ? undefined : observed.addresses.slice(0, mostAddresses);

const isRaw = ({ plan }: SharedService): boolean => plan.ports.some(({ mode }) => mode === 'tcp' || mode === 'tls' || mode === 'tls-end');
