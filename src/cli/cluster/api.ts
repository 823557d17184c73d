import { type ApiServer, connect } from '../../kubernetes/api-server.ts';
import { type ClusterConfig, UsageError } from '../../config.ts';
import { packageVersion } from '../package.ts';

/** The cluster's API server as the configuration names it. Throws UsageError when its kubeconfig cannot be read; whether it answers shows later. */
export const apiServerOf = ({ kubeconfig }: Pick<ClusterConfig, 'kubeconfig'>): ApiServer => {
  try {
    return connect({ userAgent: `tailplane/${packageVersion()}`, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
  } catch (error) {
    const what = kubeconfig === undefined ? 'the kubeconfig (of KUBECONFIG, ~/.kube/config or the pod)' : kubeconfig;
    throw new UsageError(`--kubernetes: cannot use ${what}: ${(error as Error).message}`, { cause: error });
  }
};
