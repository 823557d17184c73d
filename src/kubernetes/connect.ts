/** A connection by kubeconfig: client-node knows its many ways to log in. Loading it takes 24 MB of heap, so what runs in a pod does without. */
import { readFileSync } from 'node:fs';
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { type ApiServer, apiServerOf } from './api-server.ts';

export type ConnectOptions = {
  /** A kubeconfig file; without it the usual places: KUBECONFIG, ~/.kube/config, the pod's service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly userAgent?: string;
};

/** A connection as a kubeconfig describes it; rotated tokens are read again. Throws when it cannot be read. */
export const connect = ({ kubeconfig, context, userAgent }: ConnectOptions = {}): ApiServer => {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromString(readFileSync(kubeconfig, 'utf8'));
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`${kubeconfig ?? 'kubeconfig'}: no cluster of the current context`);
  const { server } = cluster;
  const identify = async (url: string, method: keyof typeof HttpMethod) => {
    const request = new RequestContext(url, HttpMethod[method]);
    await config.applySecurityAuthentication(request);
    return { headers: request.getHeaders(), dispatcher: () => request.getDispatcher() };
  };
  return apiServerOf({ server, identify }, userAgent);
};
