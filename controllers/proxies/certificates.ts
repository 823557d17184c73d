/** Secrets in which the first proxy of a set leaves certificates of its services, and where Envoys have them from. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Group } from './group.ts';
import type { Hosting } from './hosting.ts';
import { certificateNamesOf, certificateSecretFrom } from './objects/certificates.ts';
import type { OwnedSet } from './prepare.ts';
import type { Tools } from './work.ts';

/**
 * Makes the Secrets that proxies will want to write to, and takes away those of names that are neither asked for nor served any more. One that
 * stands is left as it is, whoever made it: what is in it is the proxies' to write.
 */
export const keepCertificates = async (set: OwnedSet, group: Group, { serve }: Hosting, { cluster }: Tools): Promise<void> => {
  const wanted = certificateNamesOf(set);
  const standing = new Set(group.certificates.map(({ metadata }) => metadata.name));
  for (const name of wanted) if (!standing.has(name)) await cluster.createOnce(certificateSecretFrom(set, set.uid, name));
  const served = new Set([...serve.values()].flatMap((ports) => [...ports.values()].map(({ certificate }) => certificate)));
  for (const secret of group.certificates) if (isLeft(secret, wanted, served)) await cluster.delete(secret);
};

const isLeft = ({ metadata }: KubeObject, wanted: readonly string[], served: ReadonlySet<string | undefined>): boolean =>
  metadata.deletionTimestamp === undefined && !wanted.includes(metadata.name) && !served.has(metadata.name);
