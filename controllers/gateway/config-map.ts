import { type ProvisionedOptions, provisionedBootstrapFor, sdsFilesFor } from '../../bootstrap/provisioned.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import type { GatewayContext } from './context.ts';
import { adminPort, bootstrapFile, paths, probePort } from './layout.ts';
import { metadataOf } from './metadata.ts';

/** Files that an Envoy starts from: the same for every Gateway. */
export const filesFrom = ({ xds, tls }: GatewayContext): Readonly<Record<string, string>> => {
  const options: ProvisionedOptions = {
    xds,
    admin: { host: '127.0.0.1', port: adminPort },
    probe: { host: '0.0.0.0', port: probePort },
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
            sds: paths.config,
            certificates: paths.certificates,
          },
        }),
  };
  return { [bootstrapFile]: JSON.stringify(provisionedBootstrapFor(options), undefined, 2), ...sdsFilesFor(options) };
};

export const configMapFrom = (infrastructure: Infrastructure, uid: string, context: GatewayContext): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(infrastructure, uid),
  data: filesFrom(context),
});
