import { isIP } from 'node:net';
import { filter, map, type Observable, shareReplay } from 'rxjs';
import { type XdsCertificates, xdsCertificatesOf } from '../../../controllers/xds-certificates/authority-secret.ts';
import { managedResources } from '../../../controllers/runtime/kinds.ts';
import { caSecretName } from '../../../controllers/xds-certificates/secret.ts';
import type { Config } from '../../config.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import { reflect } from '../../kubernetes/reflector.ts';
import { localKey } from '../../lib/key.ts';
import type { Logger } from '../../ops/log.ts';

/** What provisioned Envoys dial: a Service in front of all replicas. */
export const xdsHostOf = ({ xdsHost, namespace }: Pick<Config, 'xdsHost' | 'namespace'>): string => xdsHost ?? `tailplane.${namespace}.svc`;

/** Certificates of xDS from the CA in our own namespace, which whoever leads makes and keeps. One CA for all who subscribe. */
export const certificatesOn = (api: ApiServer, config: Config, leads$: Observable<boolean>, log: Logger): Observable<XdsCertificates> => {
  const { namespace } = config;
  const host = xdsHostOf(config);
  const secret$ = reflect({ api, resource: managedResources.Secret, namespace, fieldSelector: `metadata.name=${caSecretName}` }).pipe(
    filter(({ health }) => health.synced),
    map(({ objects }) => objects.get(localKey(namespace, caSecretName))),
  );
  return xdsCertificatesOf({
    api,
    namespace,
    secret$,
    leads$,
    serverNames: isIP(host) === 0 ? { dnsNames: [host, `${host}.cluster.local`] } : { dnsNames: [], addresses: [host] },
    report: (level, message) => log[level](message),
  }).pipe(shareReplay({ bufferSize: 1, refCount: true }));
};
