import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { managedByLabel } from '../runtime/labels.ts';
import { type Authority, dataFrom } from './authority.ts';

/** Holds the CA of xDS, in tailplane's own namespace. */
export const caSecretName = 'tailplane-xds-ca';

/** Whether we may write it: somebody else's Secret by our name is theirs. */
export const isOurs = ({ metadata }: KubeObject): boolean =>
  Object.entries(managedByLabel).every(([key, value]) => metadata.labels?.[key] === value);

/** A Secret's data, decoded; of what is no data, nothing. */
export const dataOf = ({ data }: KubeObject): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(typeof data === 'object' && data !== null ? data : {})
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );

/** The CA as a Secret: a new one, or `over` another of which all but its data is kept. */
export const caSecretFrom = (authority: Authority, namespace: string, over?: KubeObject): KubeObject => ({
  ...(over ?? {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: caSecretName, namespace, labels: { ...managedByLabel, 'app.kubernetes.io/component': 'xds-ca' } },
    type: 'kubernetes.io/tls',
  }),
  data: Object.fromEntries(Object.entries(dataFrom(authority)).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
});
