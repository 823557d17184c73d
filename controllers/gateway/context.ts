import type { HostPort } from '../../src/lib/host-port.ts';

/** What a Gateway's Envoys need to know of us. */
export type GatewayContext = {
  /** Where pods reach xDS. */
  readonly xds: HostPort;
  /** Envoy's image where parameters name none; that of this release when absent. */
  readonly image?: string;
  /** Somebody else runs the Envoys, and is given what they show us; nothing else is made. */
  readonly credentialsOnly?: true;
  /** Absent where xDS is served in plain text. */
  readonly tls?: {
    /** Name in our certificate; the host of `xds` when absent. */
    readonly serverName?: string;
    /** Absent until they are issued: an Envoy without them could not even start. */
    readonly credentials?: XdsCredentials;
  };
};

/** What one Gateway's Envoys show us, and what they know us by. PEM; reaches a Secret, no log and no dump. */
export type XdsCredentials = { readonly certificate: string; readonly privateKey: string; readonly caBundle: string };
