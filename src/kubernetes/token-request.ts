import type { ApiServer } from './api-server.ts';

/** A ServiceAccount of the cluster. */
export type ServiceAccount = { readonly namespace: string; readonly name: string };

const expirationSeconds = 3600;

/** A token that proves to `audience` that we are this ServiceAccount (authentication.k8s.io TokenRequest). Throws as requests do. */
export const requestToken = async (api: ApiServer, { namespace, name }: ServiceAccount, audience: string): Promise<string> => {
  const answer = await api.request({
    method: 'POST',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience], expirationSeconds } },
  });
  const { token } = (answer as { readonly status?: { readonly token?: unknown } }).status ?? {};
  if (typeof token !== 'string') throw new Error(`the API server gave no token for ServiceAccount "${namespace}/${name}"`);
  return token;
};
