/** On everything that we make on a cluster, and so what tells ours from anybody's. */
export const managedByLabel = { 'app.kubernetes.io/managed-by': 'tailplane' } as const;
