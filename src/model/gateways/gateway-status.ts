import type { Gateway, ListenerSet } from '../../api/generated/gateway-api.ts';
import { conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import type { Condition, ListenerStatus, Status } from '../status.ts';
import type { Addresses } from './addresses.ts';
import type { JudgedListener } from './judge.ts';

type Facts = {
  readonly addresses: Addresses;
  /** What status says where the Gateway asks for no address. */
  readonly defaultAddresses: readonly string[];
  readonly listeners: readonly JudgedListener[];
  readonly statuses: readonly ListenerStatus[];
  readonly attachedListenerSets: number;
  readonly clientCertificate?: Verdict;
  readonly invalidParameters?: Verdict;
};

export const gatewayStatusOf = (gateway: Gateway, facts: Facts): Status => {
  const { addresses, listeners, statuses, attachedListenerSets, defaultAddresses } = facts;
  const values = addresses.bind.length > 0 ? addresses.bind : defaultAddresses;
  const conditions = [accepted(gateway, facts), programmed(gateway, facts), resolvedRefs(gateway, facts)];
  if (listeners.some(({ tls, serves }) => serves && tls?.clientValidation?.insecureFallback === true)) {
    conditions.push(
      conditionsOf(gateway.metadata.generation).yes(
        'InsecureFrontendValidationMode',
        'ConfigurationChanged',
        'spec.tls.frontend: AllowInsecureFallback lets clients connect without a valid certificate',
      ),
    );
  }
  return {
    kind: 'Gateway',
    conditions,
    addresses: values.map((value) => ({ type: 'IPAddress', value })),
    listeners: statuses,
    attachedListenerSets,
  };
};

const accepted = (gateway: Gateway, { addresses, listeners, invalidParameters }: Facts): Condition => {
  const conditions = conditionsOf(gateway.metadata.generation);
  const refused = invalidParameters ?? addresses.unsupported;
  if (refused !== undefined) return conditions.no('Accepted', refused.reason, refused.message);
  const invalid = listeners.filter((listener) => !listener.accepted);
  if (invalid.length === 0) return conditions.yes('Accepted', 'Accepted', 'The Gateway is accepted');
  const message = invalid.map(({ spec, rejected }) => `listener ${spec.name}: ${rejected?.message ?? ''}`).join('; ');
  return invalid.length < listeners.length
    ? conditions.yes('Accepted', 'ListenersNotValid', message)
    : conditions.no('Accepted', 'ListenersNotValid', message);
};

const programmed = (gateway: Gateway, { addresses, listeners, invalidParameters }: Facts): Condition => {
  const conditions = conditionsOf(gateway.metadata.generation);
  const refused = invalidParameters ?? addresses.unsupported;
  if (refused !== undefined) return conditions.no('Programmed', 'Invalid', refused.message);
  if (addresses.unusable !== undefined) return conditions.no('Programmed', addresses.unusable.reason, addresses.unusable.message);
  return listeners.some(({ serves }) => serves)
    ? conditions.yes('Programmed', 'Programmed', 'The Gateway is served to Envoy')
    : conditions.no('Programmed', 'Invalid', 'None of the listeners can be served');
};

const resolvedRefs = (gateway: Gateway, { listeners, clientCertificate }: Facts): Condition => {
  const conditions = conditionsOf(gateway.metadata.generation);
  if (clientCertificate !== undefined) return conditions.no('ResolvedRefs', clientCertificate.reason, clientCertificate.message);
  const broken = listeners.filter(({ unresolved }) => unresolved !== undefined);
  return broken.length === 0
    ? conditions.yes('ResolvedRefs', 'ResolvedRefs', 'All references resolve')
    : conditions.no(
        'ResolvedRefs',
        'ListenersNotResolved',
        broken.map(({ spec, unresolved }) => `listener ${spec.name}: ${unresolved?.message ?? ''}`).join('; '),
      );
};

/** Status of a ListenerSet whose Gateway is ours. `notAllowed` where the Gateway's `allowedListeners` leave it out. */
export const listenerSetStatusOf = (
  set: ListenerSet,
  listeners: readonly JudgedListener[],
  statuses: readonly ListenerStatus[],
  refused: Verdict | undefined,
): Extract<Status, { readonly kind: 'ListenerSet' }> => {
  const conditions = conditionsOf(set.metadata.generation);
  if (refused !== undefined) {
    return {
      kind: 'ListenerSet',
      conditions: [
        conditions.no('Accepted', refused.reason, refused.message),
        conditions.no('Programmed', refused.reason, refused.message),
      ],
      listeners: [],
    };
  }
  const invalid = listeners.filter((listener) => !listener.accepted);
  const message = invalid.map(({ spec, rejected }) => `listener ${spec.name}: ${rejected?.message ?? ''}`).join('; ');
  const serves = listeners.some((listener) => listener.serves);
  return {
    kind: 'ListenerSet',
    conditions: [
      invalid.length === 0
        ? conditions.yes('Accepted', 'Accepted', 'The ListenerSet is accepted')
        : conditions[invalid.length < listeners.length ? 'yes' : 'no']('Accepted', 'ListenersNotValid', message),
      serves
        ? conditions.yes('Programmed', 'Programmed', 'The ListenerSet is served to Envoy')
        : conditions.no(
            'Programmed',
            invalid.length === 0 ? 'Invalid' : 'ListenersNotValid',
            message || 'None of the listeners can be served',
          ),
    ],
    listeners: statuses,
  };
};
