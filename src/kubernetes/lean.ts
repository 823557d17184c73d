import type { KubeMetadata } from './kube-object.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Metadata without what nobody reads and what makes an object two or three times as large; a Secret's holds its content once more. */
export const leanMetadata = (metadata: KubeMetadata, keepManagedFields = false): KubeMetadata => {
  const { managedFields, annotations, ...rest } = metadata;
  const { [lastApplied]: _, ...others } = annotations ?? {};
  return {
    ...rest,
    ...(Object.keys(others).length > 0 && { annotations: others }),
    ...(keepManagedFields && managedFields !== undefined && { managedFields }),
  };
};
