import type { ConfigSource, SdsSecretConfig } from '../types.ts';

/**
 * The stream everything comes by. Without a fetch timeout, what is new waits until every part it names has arrived, and what stood
 * before it serves meanwhile; with one, Envoy would go on with a cluster without endpoints or a listener without its certificate.
 */
export const adsSource: ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' };

/** A secret by its name in SDS. */
export const sdsSecretFrom = (name: string): SdsSecretConfig => ({ name, sdsConfig: adsSource });
