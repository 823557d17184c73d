import { ownerReferencesAnnotation, registryAnnotation } from '../../api/labels.ts';
import type { VipService } from '../../api/observations.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';

/** Who uses a Tailscale Service. */
export type ServiceUsers = {
  /** Operator that made it. */
  readonly owner?: string;
  /** Clusters, sorted. */
  readonly consumers: readonly string[];
};

/** By what its annotations say, of Tailscale's operator or of tailplanes (docs/services.md). What is not understood there says nothing. */
export const serviceUsers = memo(({ annotations }: VipService): ServiceUsers => {
  const { ownerOperator, consumers } = objectIn(annotations[registryAnnotation]);
  const { ownerRefs } = objectIn(annotations[ownerReferencesAnnotation]);
  const [first] = Array.isArray(ownerRefs) ? (ownerRefs as readonly unknown[]) : [];
  const owner = [ownerOperator, fields(first)['operatorID']].find((id) => typeof id === 'string' && id !== '');
  return { ...present({ owner: owner as string | undefined }), consumers: Object.keys(fields(consumers)).toSorted(byCodeUnit) };
});

const objectIn = (text = ''): Readonly<Record<string, unknown>> => {
  try {
    return fields(JSON.parse(text));
  } catch {
    return {}; // whoever keeps it tells what is wrong with it
  }
};

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
