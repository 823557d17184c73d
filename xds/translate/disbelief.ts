import type { Socket } from '../../src/model/graph.ts';
import { any } from '../any.ts';
import type { HttpConnectionManager, TypedExtensionConfig } from '../types.ts';

/**
 * Headers that say who a peer of a tailnet is: as tailscaled's own serve sets them, and ours. Only Envoy may set them. Spelt with underscores too, since
 * CGI and WSGI take one for the other.
 */
const identityHeaders = '(?:tailscale[-_](?:user[-_](?:login|name|profile[-_]pic)|app[-_]capabilities)|x[-_]tailscale[-_](?:tags|node))';

const withoutHeaders = (...others: readonly string[]): TypedExtensionConfig => ({
  name: 'envoy.http.early_header_mutation.header_mutation',
  typedConfig: any('envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
    mutations: [{ removeOnMatch: { keyMatcher: { safeRegex: { regex: identityHeaders } } } }, ...others.map((remove) => ({ remove }))],
  }),
});

const fromAnybody = withoutHeaders();
/** What a peer of a tailnet says of where its request comes from would stand before what is so. */
const fromPeer = withoutHeaders('x-forwarded-for');

/** Takes away, before anything looks at them, headers by which clients could claim to be somebody. */
export const disbelief = ({ tailnet }: Socket): TypedExtensionConfig => (tailnet === undefined ? fromAnybody : fromPeer);

/** Elsewhere than on entrances from tailnets, applications may rely on headers with underscores. */
export const underscores = ({ tailnet }: Socket): NonNullable<HttpConnectionManager['commonHttpProtocolOptions']> =>
  tailnet === undefined ? {} : { headersWithUnderscoresAction: 'DROP_HEADER' };
