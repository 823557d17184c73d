import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { UsageError } from '../../config.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import type { Logger } from '../../ops/log.ts';

const pauseMs = 2000;
const digits = 8;

/**
 * A name that tells a cluster from all others and says nothing about it: made of the UID of Namespace kube-system, which stays as long as the cluster
 * does. Waits until the API server answers. Throws UsageError where it may not be asked, or there is no such Namespace.
 */
export const clusterNameOf = async (api: ApiServer, log: Pick<Logger, 'warn'>): Promise<string> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const uid = await kubeSystemUid(api);
      return createHash('sha256').update(uid).digest('hex').slice(0, digits);
    } catch (error) {
      const message = (error as Error).message;
      if (error instanceof ApiError && (error.code === 403 || error.code === 404))
        throw new UsageError(`--cluster-name is needed, as Namespace kube-system cannot be read: ${message}`, { cause: error });
      if (attempt === 1) log.warn(`waiting for the API server, which has to tell which cluster this is: ${message}`);
      await pause(pauseMs);
    }
  }
};

const kubeSystemUid = async (api: ApiServer): Promise<string> => {
  const answer = await api.request({ path: '/api/v1/namespaces/kube-system' });
  const uid = (answer as { readonly metadata?: { readonly uid?: unknown } }).metadata?.uid;
  if (typeof uid !== 'string') throw new Error('Namespace kube-system has no UID');
  return uid;
};
