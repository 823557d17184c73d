import type { ClientStatus } from '../../xds/ads/events.ts';
import { typeUrlOf } from '../../xds/resources.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';

/**
 * Whether an Envoy holds what is published: the newest listeners and clusters, and nothing that it was sent is unanswered. What it rejects is
 * kept from it, and told of where it belongs.
 */
export const hasAccepted = ({ types: held }: Pick<ClientStatus, 'types'>, snapshot: Snapshot): boolean =>
  (['Listener', 'Cluster'] as const).every((type) => {
    const typeUrl = typeUrlOf(type);
    const wanted = snapshot.get(typeUrl)?.version;
    const has = held.find((candidate) => candidate.typeUrl === typeUrl);
    return has?.acknowledged === true && (wanted === undefined || generationOf(has.version) === wanted);
  }) && held.every(({ acknowledged, version }) => acknowledged || version === '');

/** An Envoy that is kept from something is sent versions with a suffix. */
const generationOf = (version: string): string => version.split('~', 1)[0] ?? '';
