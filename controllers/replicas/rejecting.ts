import type { ClientStatus } from '../../xds/ads/events.ts';
import { messageNames, type ResourceType, typeUrlOf } from '../../xds/resources.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { patience } from './others.ts';
import { type Rejected, shortened } from './report.ts';

/** What one Envoy rejects. */
export type Rejecting = {
  /** `namespace/name`. */
  readonly gateway: string;
  readonly rejections: readonly Rejected[];
  /** Since when it is not connected, or was not yet given everything again: it is expected to come back, and to reject the same. */
  readonly awaySinceMs?: number;
};

/** By Gateway and node; Envoys that reject nothing are absent. */
export type Rejectings = ReadonlyMap<string, Rejecting>;

/**
 * What Envoys reject, or rejected until they went a moment ago: whoever only comes anew has not changed its mind, and no status should say so.
 */
export const rejectingsOf = (
  clients: readonly ClientStatus[],
  snapshots: ReadonlyMap<string, Snapshot>,
  before: Rejectings,
  nowMs: number,
): Rejectings => {
  const next = new Map<string, Rejecting>();
  const streams = Map.groupBy(clients, keyOf);
  for (const [key, ofEnvoy] of streams) {
    const gateway = ofEnvoy[0]?.group ?? '';
    const snapshot = snapshots.get(gateway);
    const rejections = snapshot === undefined ? [] : rejectionsIn(ofEnvoy, snapshot);
    if (rejections.length > 0) next.set(key, { gateway, rejections });
  }
  for (const [key, { gateway, rejections, awaySinceMs = nowMs }] of before) {
    const ofEnvoy = streams.get(key);
    const isBack = ofEnvoy !== undefined && (next.has(key) || isSettled(ofEnvoy));
    if (!isBack && snapshots.has(gateway) && nowMs - awaySinceMs < patience.movingMs) next.set(key, { gateway, rejections, awaySinceMs });
  }
  return next;
};

const keyOf = ({ group, node }: ClientStatus): string => `${group} ${node.id}`;

/** It was given its listeners, and owes no answer. */
const isSettled = (streams: readonly ClientStatus[]): boolean => {
  const held = streams.flatMap(({ types }) => types);
  return (
    held.some(({ typeUrl, acknowledged }) => typeUrl === typeUrlOf('Listener') && acknowledged) &&
    held.every(({ acknowledged, version }) => acknowledged || version === '')
  );
};

const types = Object.keys(messageNames) as readonly ResourceType[];
const typeOf = new Map(types.map((type) => [typeUrlOf(type), type]));

const rejectionsIn = (clients: readonly ClientStatus[], snapshot: Snapshot): readonly Rejected[] =>
  clients
    .flatMap(({ types: held }) => held)
    .flatMap(({ typeUrl, rejected, error }) => {
      const type = typeOf.get(typeUrl);
      if (type === undefined) return [];
      return rejected.flatMap((name): readonly Rejected[] => {
        const version = snapshot.get(typeUrl)?.resources.get(name)?.version;
        return version === undefined ? [] : [{ type, name, version, error: shortened(error) }];
      });
    });
