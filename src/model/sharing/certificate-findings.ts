import { byCodeUnit, partsOf } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { certificateValidity } from '../gateways/certificates.ts';
import type { TlsSecret } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import { certificatesAWeek, issuedRecently, type Obtained, suffixOf } from './certificate-budget.ts';
import type { SharedService } from './services.ts';
import type { Sharing } from './sharing.ts';

/** What there is to say of the certificates of a TailscaleGateway's services. */
export type CertificateFindings = { readonly verdict?: Verdict; readonly message: string };

const soonMs = 7 * 24 * 3_600_000;

/**
 * What of the certificates of `own`, some of all shared `services`, is wrong at `now` (ms): one that is none, one that expired, one that expires within
 * a week, or more that are wanted than a tailnet gets in a week. Undefined where none is used.
 */
export const certificateFindingsOf = (
  own: readonly SharedService[],
  services: Sharing['services'],
  now: number,
): CertificateFindings | undefined => {
  const used = own.flatMap((service) => certificatesOf(service).map((certificate) => ({ service, certificate })));
  const wanted = own.flatMap(obtainedBy);
  if (used.length + wanted.length === 0) return undefined;
  const ending = used
    .flatMap(({ service, certificate }) => {
      const { to = Infinity } = certificateValidity(certificate) ?? {};
      return to > now + soonMs ? [] : [{ service, certificate, to }];
    })
    .toSorted((one, other) => one.to - other.to || byCodeUnit(one.certificate.id, other.certificate.id));
  const [first] = ending;
  const others = new Set(ending.map(({ certificate }) => certificate.id)).size - 1;
  const verdict = brokenIn(own) ?? (first === undefined ? overBudget(wanted, services, now) : endingVerdict(first, others, now));
  const obtained = wanted.filter(({ certificate }) => certificate !== undefined).length;
  return { ...present({ verdict }), message: `Certificates of MagicDNS names: ${obtained} of ${wanted.length}` };
};

/** In use at any of its ports. */
const certificatesOf = ({ plan }: SharedService): readonly TlsSecret[] => [
  ...new Set(plan.ports.flatMap(({ tls }) => tls?.certificates ?? [])),
];

const brokenIn = (own: readonly SharedService[]): Verdict | undefined => {
  const service = own.find(({ plan }) => plan.broken !== undefined);
  return service?.plan.broken && { ...service.plan.broken, message: `${service.candidate.name}: ${service.plan.broken.message}` };
};

const obtainedBy = (service: SharedService): readonly Obtained[] => {
  const { candidate, dnsName: name, plan } = service;
  if (!plan.usesMagicCertificate || name === undefined) return [];
  const id = `${partsOf(candidate.share.key).namespace}/${name}`;
  return [{ name, ...present({ certificate: certificatesOf(service).find((certificate) => certificate.id === id) }) }];
};

const allObtained = memo((services: Sharing['services']): readonly Obtained[] => [...services.values()].flatMap(obtainedBy));

type Ending = { readonly service: SharedService; readonly certificate: TlsSecret; readonly to: number };

const endingVerdict = ({ service, certificate, to }: Ending, others: number, now: number): Verdict => {
  const { name, share } = service.candidate;
  const isOurs = obtainedBy(service).some((own) => own.certificate === certificate);
  const step = isOurs
    ? `the first proxy of StatefulSet "${share.set}" renews it, and its log says why it has not`
    : 'renew it, or have it renewed';
  const at = `${new Date(to).toISOString().slice(0, 19)}Z`;
  const more = others === 0 ? '' : `; and ${others} more that end soon, or have`;
  return to <= now
    ? { reason: 'CertificateExpired', message: `${name}: the certificate in Secret "${certificate.id}" expired at ${at}: ${step}${more}` }
    : { reason: 'CertificateExpiring', message: `${name}: the certificate in Secret "${certificate.id}" expires at ${at}: ${step}${more}` };
};

const overBudget = (own: readonly Obtained[], services: Sharing['services'], now: number): Verdict | undefined => {
  const all = allObtained(services);
  const issued = issuedRecently(all, now);
  const missing = Map.groupBy(
    all.filter(({ certificate }) => certificate === undefined),
    ({ name }) => suffixOf(name),
  );
  for (const suffix of new Set(own.flatMap(({ name, certificate }) => (certificate === undefined ? [suffixOf(name)] : [])))) {
    const [wanted, recent] = [missing.get(suffix)?.length ?? 0, issued.get(suffix) ?? 0];
    if (wanted + recent <= certificatesAWeek) continue;
    const message = `${wanted} more names of ${suffix} are to have certificates, and ${recent} got theirs in the last seven days: Let's Encrypt issues ${certificatesAWeek} a week for one tailnet, so that some come later; with services.scope: Gateway all routes are one name, and with services.certificate: Listener none is obtained`;
    return { reason: 'CertificateBudget', message };
  }
  return undefined;
};
