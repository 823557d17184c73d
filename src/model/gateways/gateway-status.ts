import type { Gateway } from '../../api/generated/gateway-api.ts';
import { localKeyOf } from '../../lib/key.ts';
import { type ConditionsOf, conditionsOf } from '../conditions.ts';
import type { Result } from '../../lib/result.ts';
import type { Verdict } from '../route-node.ts';
import type { Condition, ListenerStatus, Status } from '../status.ts';
import type { Addresses } from './addresses.ts';
import type { JudgedListener } from './judge.ts';
import type { Unreachable } from './listener-set-status.ts';

type Facts = {
  /** Why the Gateway as a whole cannot be had, whatever its listeners. */
  readonly refused?: Verdict;
  readonly addresses: Addresses;
  /** What status says where the Gateway asks for no address. */
  readonly defaultAddresses: readonly string[];
  /** Its own. */
  readonly listeners: readonly JudgedListener[];
  /** Whether any listener is, of its own or of a ListenerSet. */
  readonly served: boolean;
  readonly statuses: readonly ListenerStatus[];
  readonly clientCertificate?: Verdict;
};

/** What a Gateway's conditions say, and what that means for its ListenerSets. */
export type Standing = { readonly conditions: readonly Condition[]; readonly accepted: boolean; readonly parent: Unreachable };

/** Why a Gateway cannot be had whatever its listeners are. */
export const refusalOf = (parameters: Result<unknown, Verdict>, { unsupported }: Addresses): Verdict | undefined =>
  parameters.ok ? unsupported : parameters.problem;

export const standingOf = (gateway: Gateway, facts: Facts): Standing => {
  const conditions = conditionsOf(gateway.metadata.generation);
  const accepted = acceptedOf(facts, conditions);
  const programmed = programmedOf(facts, accepted, conditions);
  const name = localKeyOf(gateway);
  const verdict = (reason: string, { message }: Condition): Verdict => ({ reason, message: `Gateway "${name}": ${message}` });
  return {
    conditions: [accepted, programmed, resolvedRefsOf(facts, conditions), ...insecureOf(facts, conditions)],
    accepted: accepted.status === 'True',
    parent: {
      ...(accepted.status === 'True' ? {} : { accepted: verdict('ParentNotAccepted', accepted) }),
      ...(programmed.status === 'True' ? {} : { programmed: verdict('ParentNotProgrammed', programmed) }),
    },
  };
};

type Told = Facts & { readonly conditions: readonly Condition[]; readonly attachedListenerSets: number };

export const gatewayStatusOf = (
  gateway: Gateway,
  { refused, addresses, defaultAddresses, conditions, statuses, attachedListenerSets }: Told,
): Status => {
  const type = gateway.spec.addresses?.[0]?.type ?? 'IPAddress';
  const values = refused === undefined ? (addresses.bind ?? defaultAddresses) : [];
  return { kind: 'Gateway', conditions, addresses: values.map((value) => ({ type, value })), listeners: statuses, attachedListenerSets };
};

const acceptedOf = ({ listeners, refused }: Facts, conditions: ConditionsOf): Condition => {
  if (refused !== undefined) return conditions.no('Accepted', refused.reason, refused.message);
  const invalid = listeners.filter((listener) => !listener.accepted);
  if (invalid.length === 0) return conditions.yes('Accepted', 'Accepted', 'The Gateway is accepted');
  const message = invalid.map(({ spec, rejected }) => `listener ${spec.name}: ${rejected?.message ?? ''}`).join('; ');
  return conditions[invalid.length < listeners.length ? 'yes' : 'no']('Accepted', 'ListenersNotValid', message);
};

const programmedOf = ({ addresses, served }: Facts, accepted: Condition, conditions: ConditionsOf): Condition => {
  if (accepted.status !== 'True') return conditions.no('Programmed', 'Invalid', accepted.message);
  if (addresses.unusable !== undefined) return conditions.no('Programmed', addresses.unusable.reason, addresses.unusable.message);
  return served
    ? conditions.yes('Programmed', 'Programmed', 'The Gateway is served to Envoy')
    : conditions.no('Programmed', 'Invalid', 'None of the listeners can be served');
};

const resolvedRefsOf = ({ listeners, clientCertificate }: Facts, conditions: ConditionsOf): Condition => {
  if (clientCertificate !== undefined) return conditions.no('ResolvedRefs', clientCertificate.reason, clientCertificate.message);
  const broken = listeners.filter(({ unresolved }) => unresolved !== undefined);
  if (broken.length === 0) return conditions.yes('ResolvedRefs', 'ResolvedRefs', 'All references resolve');
  const message = broken.map(({ spec, unresolved }) => `listener ${spec.name}: ${unresolved?.message ?? ''}`).join('; ');
  return conditions.no('ResolvedRefs', 'ListenersNotResolved', message);
};

const insecureOf = ({ listeners }: Facts, conditions: ConditionsOf): readonly Condition[] => {
  if (!listeners.some(({ tls, serves }) => serves && tls?.clientValidation?.insecureFallback === true)) return [];
  const message = 'spec.tls.frontend: AllowInsecureFallback lets clients connect without a valid certificate';
  return [conditions.yes('InsecureFrontendValidationMode', 'ConfigurationChanged', message)];
};
