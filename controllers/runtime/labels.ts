/** On everything that we make on a cluster, and so what tells ours from anybody's. */
export const managedByLabel = { 'app.kubernetes.io/managed-by': 'tailplane' } as const;

/** On everything that is made for a set of proxies into a tailnet, with the set's name. */
export const proxySetLabel = 'gateway.tailscale.com/proxies';
