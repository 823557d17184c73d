import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import { connectFromPod } from '../../kubernetes/service-account.ts';
import { type ClusterConfig, UsageError } from '../../config.ts';
import { packageVersion } from '../package.ts';

/**
 * The cluster's API server: of the kubeconfig that the configuration names, else of KUBECONFIG or ~/.kube/config, else of the pod that this is.
 * Throws UsageError when that cannot be read; whether it answers shows later.
 */
export const clusterApiOf = async ({ kubeconfig }: Pick<ClusterConfig, 'kubeconfig'>): Promise<ApiServer> => {
  const userAgent = `tailplane/${packageVersion()}`;
  const isNamed = kubeconfig !== undefined || (process.env['KUBECONFIG'] ?? '') !== '' || existsSync(join(homedir(), '.kube', 'config'));
  const inPod = isNamed ? undefined : connectFromPod({ environment: process.env, userAgent });
  if (inPod !== undefined) return inPod;
  const { connect } = await import('../../kubernetes/connect.ts');
  try {
    return connect({ userAgent, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
  } catch (error) {
    const what = kubeconfig === undefined ? 'the kubeconfig (of KUBECONFIG, ~/.kube/config or the pod)' : kubeconfig;
    throw new UsageError(`--kubernetes: cannot use ${what}: ${(error as Error).message}`, { cause: error });
  }
};
