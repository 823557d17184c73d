import type { ConfigSource, SdsSecretConfig } from '../types.ts';

/**
 * The stream everything comes by. Without a fetch timeout, what is new waits until every part it names has arrived, and what stood
 * before it serves meanwhile; with one, Envoy would go on with a cluster without endpoints or a listener without its certificate.
 */
export const adsSource: ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' };

/** The same for what a tailnet decides that may not have been heard of yet: nothing else waits for it longer than this. */
export const adsSourceOfTailnet: ConfigSource = { ...adsSource, initialFetchTimeout: '5s' };

/** A secret by its name in SDS. */
export const sdsSecretFrom = (name: string): SdsSecretConfig => ({ name, sdsConfig: adsSource });
