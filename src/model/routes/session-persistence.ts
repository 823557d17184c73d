import type { SessionPersistence as Written } from '../../api/generated/gateway-api.ts';
import { fingerprint } from '../../lib/fingerprint.ts';
import type { SessionPersistence } from '../graph.ts';
import { millisecondsOf } from '../../lib/duration.ts';
import { invalid, type RuleScope } from './scope.ts';

/** RFC 9110: what a cookie and a header may be called. */
const token = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

/**
 * How a client stays with the endpoint it first got. A name is made from the rule's place when none is given, so that it outlives restarts and
 * is the same from every replica. `absoluteTimeout` ends permanent cookies; Envoy keeps no sessions, so it cannot end those of other types.
 */
export const sessionPersistenceFrom = (written: Written, field: string, scope: RuleScope): SessionPersistence => {
  const name = written.sessionName || `${written.type === 'Header' ? 'x-' : ''}session-${fingerprint(scope.id)}`;
  if (!token.test(name)) invalid(scope, `${field}.sessionName`, `"${name}" cannot name a ${written.type.toLowerCase()}`);
  const permanent = written.type === 'Cookie' && written.cookieConfig?.lifetimeType === 'Permanent';
  const ttlSeconds = permanent ? Math.ceil(millisecondsOf(written.absoluteTimeout ?? '') / 1000) : 0;
  return { type: written.type, name, ...(ttlSeconds > 0 ? { ttlSeconds } : {}) };
};
