import type { TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import type { Read } from '../../lib/memo.ts';
import { labelMadeOf, serviceNameOf } from '../sharing/service-names.ts';
import type { ModelTables } from '../tables.ts';
import { endpointsSelection } from './tables.ts';

/** The TailscaleEndpoints of its namespace that a TailscaleServices selects, by name; the same array while they stay the same. */
export const selectedBy = ({ metadata, spec }: TailscaleServices, read: Read<ModelTables>): readonly TailscaleEndpoints[] =>
  spec.selector === undefined ? [] : (read('endpointsSelected', endpointsSelection(metadata.namespace ?? '', spec.selector)) ?? []);

/** What a TailscaleServices is called in a tailnet. */
export const vipServiceName = ({ metadata, spec }: TailscaleServices): string =>
  spec.vipService?.name ?? serviceNameOf(labelMadeOf(metadata.name));
