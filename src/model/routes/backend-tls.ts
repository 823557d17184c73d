import type { BackendTLSPolicy, LocalPolicyTargetReferenceWithSectionName, SubjectAltName } from '../../api/generated/gateway-api.ts';
import { keyOf, localKey, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { memoByReads, memoWithin, type Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { byAge } from '../gateways/precedence.ts';
import type { BackendTls, TlsSecret } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { caCertificateOf } from './ca-certificates.ts';
import { targetOf } from './policy-targets.ts';

/** What a BackendTLSPolicy's status must say: `Accepted: False` and `ResolvedRefs: False` where set, `True` where not. */
export type PolicyVerdict = { readonly rejected?: Verdict; readonly unresolved?: Verdict };

/** A policy by itself, whatever others say. Without `tls` whatever it governs must not be connected to at all. */
type PolicyNode = PolicyVerdict & { readonly tls?: BackendTls };

/** What may be governed: a Service, or one of our kinds. */
type Governed = { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } };

/**
 * How the policy that governs this port, or section, says to connect; undefined when none does. Fails when it does but cannot be honoured:
 * the port must then not be spoken to, least of all in plaintext.
 */
export const tlsOf = (governed: Governed, section: string | undefined, read: Read<ModelTables>): Result<BackendTls | undefined, string> => {
  const target = keyOf(governed);
  const policies = read('backendTlsPolicies', target) ?? [];
  const policy = (section === undefined ? undefined : winnerOf(policies, target, section)) ?? winnerOf(policies, target, undefined);
  if (policy === undefined) return ok(undefined);
  const { tls, rejected } = policyNodeOf(policy, '', read);
  if (tls !== undefined) return ok(tls);
  const name = `"${localKeyOf(policy)}"`;
  return fail(`BackendTLSPolicy ${name} cannot be honoured: ${rejected?.message ?? 'it is invalid'}`);
};

/** Of the policies that target the same thing the oldest, then the first by name (`BackendTLSPolicySpec.targetRefs`), be it valid or not. */
const winnerOf = (policies: readonly BackendTLSPolicy[], target: ObjectKey, section: string | undefined): BackendTLSPolicy | undefined =>
  policies
    .filter(({ metadata, spec }) =>
      spec.targetRefs.some((ref) => targetOf(ref, metadata.namespace) === target && ref.sectionName === section),
    )
    .toSorted((one, other) => byAge(one.metadata, other.metadata))[0];

const policyNodeOf = memoWithin<ModelTables, BackendTLSPolicy, PolicyNode>((policy, _at, read) => {
  const { validation } = policy.spec;
  if ((validation.caCertificateRefs ?? []).length > 0) return nodeWithBundle(policy, read);
  if (validation.wellKnownCACertificates === 'System') return { tls: tlsFrom(policy, { by: 'system' }) };
  const message = `spec.validation.wellKnownCACertificates: "${validation.wellKnownCACertificates ?? ''}" is not supported; System is`;
  return { rejected: { reason: 'Invalid', message } };
});

const nodeWithBundle = (policy: BackendTLSPolicy, read: Read<ModelTables>): PolicyNode => {
  const bundles: string[] = [];
  const problems: Verdict[] = [];
  for (const [index, ref] of (policy.spec.validation.caCertificateRefs ?? []).entries()) {
    const bundle = caCertificateOf(ref, policy.metadata.namespace ?? '', `spec.validation.caCertificateRefs[${index}]`, read);
    if (bundle.ok) bundles.push(bundle.value);
    else problems.push(bundle.problem);
  }
  const [first] = problems;
  const unresolved = first && { reason: first.reason, message: problems.map(({ message }) => message).join('; ') };
  if (bundles.length === 0)
    return { ...unresolvedIn(unresolved), rejected: { reason: 'NoValidCACertificate', message: unresolved?.message ?? '' } };
  const owner = keyOf(policy);
  const ca: TlsSecret = { id: owner, owner, type: 'ca', trustedCa: bundles.join('') };
  return { ...unresolvedIn(unresolved), tls: tlsFrom(policy, { by: 'ca', ca }) };
};

const unresolvedIn = (unresolved: Verdict | undefined): PolicyVerdict => (unresolved === undefined ? {} : { unresolved });

const tlsFrom = (policy: BackendTLSPolicy, verify: BackendTls['verify']): BackendTls => ({
  hostname: policy.spec.validation.hostname.toLowerCase(),
  subjectAltNames: (policy.spec.validation.subjectAltNames ?? []).map(subjectAltNameFrom),
  verify,
  policy: keyOf(policy),
});

const subjectAltNameFrom = ({ type, hostname, uri }: SubjectAltName): BackendTls['subjectAltNames'][number] => ({
  type,
  value: (type === 'Hostname' ? hostname?.toLowerCase() : uri) ?? '',
});

/**
 * What the status of a policy says, the same towards every Gateway. A policy that loses one of its targets to an older one is `Conflicted`,
 * though it still governs those it won.
 */
export const policyVerdictOf = memoByReads<ModelTables, BackendTLSPolicy, PolicyVerdict>((policy, read) => {
  const { rejected, unresolved } = policyNodeOf(policy, '', read);
  const first = conflictOf(policy, read) ?? targetProblemOf(policy, read) ?? rejected;
  return { ...unresolvedIn(unresolved), ...(first === undefined ? {} : { rejected: first }) };
});

const conflictOf = (policy: BackendTLSPolicy, read: Read<ModelTables>): Verdict | undefined => {
  const namespace = policy.metadata.namespace ?? '';
  for (const [index, ref] of policy.spec.targetRefs.entries()) {
    const target = targetOf(ref, namespace);
    const winner = target && winnerOf(read('backendTlsPolicies', target) ?? [], target, ref.sectionName);
    if (winner === undefined || winner.metadata.name === policy.metadata.name) continue;
    const whole = `${ref.kind} "${namespace}/${ref.name}"`;
    const part = ref.sectionName === undefined ? whole : `port "${ref.sectionName}" of ${whole}`;
    const message = `spec.targetRefs[${index}]: BackendTLSPolicy "${namespace}/${winner.metadata.name}" takes precedence for ${part}`;
    return { reason: 'Conflicted', message };
  }
  return undefined;
};

/** Set when none of the targets exists: a policy whose other targets do is in force there. */
const targetProblemOf = (policy: BackendTLSPolicy, read: Read<ModelTables>): Verdict | undefined => {
  const problems = policy.spec.targetRefs.map((target, index) => {
    const problem = absenceOf(target, policy.metadata.namespace ?? '', read);
    return problem === undefined ? undefined : `spec.targetRefs[${index}]: ${problem}`;
  });
  return problems.every((problem) => problem !== undefined) ? { reason: 'TargetNotFound', message: problems.join('; ') } : undefined;
};

const absenceOf = (ref: LocalPolicyTargetReferenceWithSectionName, namespace: string, read: Read<ModelTables>): string | undefined => {
  const { group, kind, name, sectionName } = ref;
  if (targetOf(ref, namespace) === undefined) {
    return `kind ${kind} of group "${group}" is not supported; Service, TailscaleEndpoints and TailscaleServices are`;
  }
  const sections = sectionsOf(kind, localKey(namespace, name), read);
  if (sections === undefined) return `${kind} "${namespace}/${name}" not found`;
  if (sectionName === undefined || sections.includes(sectionName)) return undefined;
  return `${kind} "${namespace}/${name}" has no port named "${sectionName}"`;
};

/** The names of its ports; undefined where there is no such object. A TailscaleServices has none. */
const sectionsOf = (kind: string, key: string, read: Read<ModelTables>): readonly (string | undefined)[] | undefined => {
  if (kind === 'Service') {
    const service = read('Service', key);
    return service && (service.spec.ports ?? []).map(({ name }) => name);
  }
  if (kind === 'TailscaleServices') return read('TailscaleServices', key) && [];
  const endpoints = read('TailscaleEndpoints', key);
  return endpoints && (endpoints.spec.ports ?? []).map(({ name }) => name);
};
