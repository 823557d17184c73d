import { any } from '../any.ts';
import type { SessionPersistence } from '../../src/model/graph.ts';
import type { Any, StatefulSession } from '../types.ts';

/**
 * Gateway API `SessionPersistence`, as the `stateful_session` filter's configuration of one route. The endpoint is in the cookie or
 * header itself; where it is gone, another one is chosen. Among weighted clusters the weights decide first.
 */
export const sessionPersistenceFrom = (persistence: SessionPersistence): Any =>
  any('envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute', {
    statefulSession: { sessionState: persistence.type === 'Cookie' ? cookieFrom(persistence) : headerFrom(persistence) },
  });

/** For all paths of the host: a rule's matches share one session. */
const cookieFrom = ({ name, ttlSeconds }: SessionPersistence): StatefulSession['sessionState'] => ({
  name: 'envoy.http.stateful_session.cookie',
  typedConfig: any('envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState', {
    cookie: { name, path: '/', ttl: ttlSeconds === undefined ? undefined : `${ttlSeconds}s` },
  }),
});

const headerFrom = ({ name }: SessionPersistence): StatefulSession['sessionState'] => ({
  name: 'envoy.http.stateful_session.header',
  typedConfig: any('envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState', { name }),
});
