import { type RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, request } from 'undici';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

export type AdminApi = {
  /** Server-side apply; resolves with the answer, throws what the API server said against it. */
  readonly apply: (path: string, object: KubeObject) => Promise<void>;
  readonly get: (path: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
};

/** An API server as its kubeconfig describes it, over connections that stay open, so that no handshake is measured. */
export const adminApi = async (kubeconfig: string): Promise<AdminApi> => {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error(`${kubeconfig}: no cluster`);
  const { ca, cert, key, headers } = await identityOf(config);
  const dispatcher = new Agent({ connections: 16, pipelining: 1, keepAliveTimeout: 600_000, connect: { ca, cert, key } });
  const send = async (method: 'GET' | 'PATCH', path: string, body?: KubeObject): Promise<unknown> => {
    const answer = await request(`${server}${path}`, {
      method,
      dispatcher,
      headers: { ...headers, accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/apply-patch+yaml' }) },
      ...(body !== undefined && { body: JSON.stringify(body), query: { fieldManager: 'bench', force: true } }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
    return JSON.parse(text) as unknown;
  };
  return {
    apply: async (path, object) => void (await send('PATCH', path, object)),
    get: (path) => send('GET', path),
    close: () => dispatcher.destroy(),
  };
};

type Identity = Record<'ca' | 'cert' | 'key', string | Buffer | undefined> & { readonly headers: Readonly<Record<string, string>> };

const identityOf = async (config: KubeConfig): Promise<Identity> => {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, headers = {} } = options as Partial<Identity>;
  return { ca, cert, key, headers };
};
