import { counting } from '../../lib/gather.ts';
import { memo } from '../../lib/memo.ts';
import { type ConditionsOf, conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import type { Condition, ListenerStatus } from '../status.ts';
import { isGenerated } from '../tailnets/generated.ts';
import type { Attached } from './attach.ts';
import { certificateNames } from './certificates.ts';
import { intersection } from './hostnames.ts';
import { groupKinds, type JudgedListener } from './judge.ts';

/** Status of one listener: `all` are the Gateway's, for what overlaps; `attached` the routes on it; `refused` why the Gateway cannot be had at all. */
export const listenerStatusOf = (
  listener: JudgedListener,
  all: readonly JudgedListener[],
  attached: readonly Attached[],
  refused: Verdict | undefined,
): ListenerStatus => {
  const conditions = conditionsOf(listener.owner.metadata.generation);
  const { clash, rejected, unresolved } = listener;
  const overlap = overlappingTls(listener, all, conditions);
  return {
    name: listener.spec.name,
    attachedRoutes: writtenOn(listener)(attached),
    supportedKinds: groupKinds(listener.kinds),
    conditions: [
      conditions.unless(rejected, 'Accepted', 'The listener is accepted'),
      listener.serves && refused === undefined
        ? conditions.yes('Programmed', 'Programmed', 'The listener is served to Envoy')
        : conditions.no(
            'Programmed',
            unservedReason(listener),
            (rejected ?? refused ?? unresolved)?.message ?? 'The listener cannot be served',
          ),
      conditions.unless(unresolved, 'ResolvedRefs', 'All references resolve'),
      clash === undefined || clash.reason === 'PortUnavailable'
        ? conditions.no('Conflicted', 'NoConflicts', 'No other listener conflicts')
        : conditions.yes('Conflicted', clash.reason, clash.message),
      ...(overlap === undefined ? [] : [overlap]),
    ],
  };
};

/** Of routes on one listener, how many are somebody's own. */
const writtenOn = memo<JudgedListener, (attached: readonly Attached[]) => number>(() =>
  counting(({ node }: Attached) => !isGenerated(node.key)),
);

/** Entries of ListenerSets name their conflict here too, where the specification lists other reasons for Gateways' own listeners. */
const unservedReason = ({ owner, clash }: JudgedListener): string =>
  owner.kind === 'ListenerSet' && clash !== undefined ? clash.reason : 'Invalid';

/** Browsers may use one connection for several hosts of one certificate, which isolation by listener then answers with 421: worth a warning. */
const overlappingTls = (listener: JudgedListener, all: readonly JudgedListener[], conditions: ConditionsOf): Condition | undefined => {
  if (listener.spec.protocol !== 'HTTPS' || !listener.serves) return undefined;
  const others = all.filter(
    (other) => other !== listener && other.spec.protocol === 'HTTPS' && other.serves && other.spec.port === listener.spec.port,
  );
  const names = namesOf(listener);
  const byCertificate = others.find(
    (other) =>
      !names.every((name) => intersection(name, listener.host) === undefined) &&
      names.some((name) => intersection(name, other.host) !== undefined && other.host !== '*' && listener.host !== '*'),
  );
  if (byCertificate !== undefined) {
    return conditions.yes(
      'OverlappingTLSConfig',
      'OverlappingCertificates',
      `A certificate of this listener is also good for hosts of listener ${byCertificate.spec.name}`,
    );
  }
  const byHost = others.find((other) => intersection(other.host, listener.host) !== undefined);
  return (
    byHost &&
    conditions.yes(
      'OverlappingTLSConfig',
      'OverlappingHostnames',
      `Hostnames of this listener overlap with those of listener ${byHost.spec.name}`,
    )
  );
};

const namesOf = ({ tls }: JudgedListener): readonly string[] =>
  (tls?.certificates ?? []).flatMap((secret) => (secret.type === 'key-pair' ? certificateNames(secret) : []));
