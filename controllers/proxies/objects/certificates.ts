import { certificateSecret } from '../../../src/api/labels.ts';
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { byCodeUnit } from '../../../src/lib/key.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { metadataOf, secretLabel } from './metadata.ts';

/** Names of which proxies of a set may have certificates, and so of the Secrets that they write them to. */
export const certificateNamesOf = ({ services }: Pick<ProxySet, 'services'>): readonly string[] =>
  [...new Set([...services.values()].flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate])))].toSorted(byCodeUnit);

/** Empty, as containerboot expects it: proxies may write Secrets, and not make any. Not to be applied over what they wrote. */
export const certificateSecretFrom = (set: ProxySet, uid: string, name: string): KubeObject => {
  const metadata = metadataOf(set, uid, name);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, labels: { ...metadata.labels, [secretLabel]: certificateSecret } },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': '', 'tls.key': '' },
  };
};
