/** A connection from inside a pod, by its service account (kubernetes.io, "Accessing the Kubernetes API from a Pod"). */
import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { Agent } from 'undici';
import { type ApiServer, apiServerOf } from './api-server.ts';

export type PodOptions = {
  /**
   * `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` say where the API server is; `TAILPLANE_SERVICE_ACCOUNT` where the account is
   * mounted, if not at the usual place.
   */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userAgent?: string;
};

const usualFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet replaces tokens long before they expire, and client-go reads them as often. */
const tokenMs = 60_000;

/** A connection as the pod's service account; undefined outside a pod, or in one without an account. */
export const connectFromPod = ({ environment, userAgent }: PodOptions): ApiServer | undefined => {
  const {
    KUBERNETES_SERVICE_HOST: host = '',
    KUBERNETES_SERVICE_PORT: port = '',
    TAILPLANE_SERVICE_ACCOUNT: folder = usualFolder,
  } = environment;
  const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')];
  if (host === '' || port === '' || !existsSync(tokenFile) || !existsSync(caFile)) return undefined;
  let token: { readonly text: string; readonly until: number } | undefined;
  const tokenNow = (): string => {
    if (token === undefined || token.until < performance.now())
      token = { text: readFileSync(tokenFile, 'utf8').trim(), until: performance.now() + tokenMs };
    return token.text;
  };
  return apiServerOf(
    {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      identify: async () => ({
        headers: { authorization: `Bearer ${tokenNow()}` },
        dispatcher: () => new Agent({ connect: { ca: readFileSync(caFile, 'utf8') } }),
      }),
    },
    userAgent,
  );
};
