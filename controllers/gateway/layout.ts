/** Where things are in the pods of a Gateway's Envoys. */

/** Has bash, which the drain needs; its distroless sibling has not. */
export const defaultImage = 'envoyproxy/envoy:v1.40.0';

/** On loopback: stopping an Envoy and reading its configuration is for those in its pod. */
export const adminPort = 19_000;

/** For probes and metrics. */
export const probePort = 19_001;

export const paths = { config: '/etc/tailplane/config', certificates: '/etc/tailplane/xds' } as const;

/** Key of the ConfigMap. */
export const bootstrapFile = 'envoy.json';

/** Neither root nor anybody the image knows: Envoy needs no user of its own. */
export const userId = 65_532;
