import { type LocalKey, localKey } from './key.ts';

/** What the client certificate of a Gateway's Envoys says instead of a name: a SPIFFE ID, as its one URI name. */
export const gatewayIdentity = (namespace: string, name: string): string => `spiffe://tailplane/ns/${namespace}/gateway/${name}`;

/** Kubernetes names only, so that nothing else can be read into one. */
const pattern = /^spiffe:\/\/tailplane\/ns\/([a-z0-9-]+)\/gateway\/([a-z0-9.-]+)$/;

/** The Gateway that such an identity names; undefined for anything else. */
export const gatewayOfIdentity = (uri: string): LocalKey | undefined => {
  const [, namespace, name] = pattern.exec(uri) ?? [];
  return namespace === undefined || name === undefined ? undefined : localKey(namespace, name);
};
