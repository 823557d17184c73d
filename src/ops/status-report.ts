import type { ClientStatus } from '../../xds/ads/events.ts';
import { messageNames, type ResourceType, typeUrlOf } from '../../xds/resources.ts';
import { allKinds } from '../api/kinds.ts';
import { byCodeUnit, keyOf, type ObjectKey } from '../lib/key.ts';
import type { SourceHealth, SourceProblem } from '../sources/source.ts';
import type { ClusterStatus, StatusWithTimes } from '../model/cluster-status.ts';
import type { Known } from './known.ts';
import { proxiesIn, type ReportedProxies, type ReportedService, type ReportedTailnet, servicesIn, tailnetsIn } from './tailnet-report.ts';

/** The JSON of `status -o json` and `/api/v1/status`; documented in docs/cli.md. */
export type StatusReport = {
  readonly sources: readonly SourceHealth[];
  readonly problems: readonly SourceProblem[];
  readonly objects: readonly ReportedObject[];
  readonly tailnets: readonly ReportedTailnet[];
  readonly proxies: readonly ReportedProxies[];
  readonly services: readonly ReportedService[];
  readonly envoys: readonly ReportedEnvoy[];
};

export type ReportedObject = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
  readonly generation: number;
  /** All conditions, wherever `status` has them; `about` names the parent, ancestor or listener. */
  readonly conditions: StatusWithTimes['conditions'];
  /** As on a cluster; absent for kinds that get none from us. */
  readonly status?: ClusterStatus;
};

export type ReportedEnvoy = {
  readonly node: string;
  readonly gateway: string;
  readonly peer: string;
  readonly mode: 'sotw' | 'delta';
  /** RFC 3339. */
  readonly connectedAt: string;
  /** `waiting`: its Gateway is not known. `pending`: something sent was not answered yet. */
  readonly state: 'accepted' | 'pending' | 'rejected' | 'waiting';
  readonly types: readonly {
    readonly type: string;
    readonly version: string;
    readonly acknowledged: boolean;
    readonly error: string;
    readonly rejected: readonly string[];
  }[];
};

/** Everything `status` shows, objects in the order of kinds, then of names. */
export const statusReportOf = (
  known: Known,
  statusOf: (key: ObjectKey) => StatusWithTimes | undefined,
  clients: readonly ClientStatus[],
): StatusReport => ({
  sources: [known.state.health],
  problems: known.state.problems,
  objects: allKinds.flatMap((kind) => [...known.state.objects[kind].values()].map((object) => objectFrom(object, statusOf(keyOf(object))))),
  tailnets: tailnetsIn(known.state),
  proxies: proxiesIn(known),
  services: servicesIn(known),
  envoys: clients.map(envoyFrom).toSorted((a, b) => byCodeUnit(`${a.gateway} ${a.node}`, `${b.gateway} ${b.node}`)),
});

type AnyObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly generation: number };
};

const objectFrom = ({ apiVersion, kind, metadata }: AnyObject, shown: StatusWithTimes | undefined): ReportedObject => ({
  apiVersion,
  kind,
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  name: metadata.name,
  generation: metadata.generation,
  conditions: shown?.conditions ?? [],
  ...(shown === undefined ? {} : { status: shown.status }),
});

const envoyFrom = ({ node, group, peer, mode, since, served, types }: ClientStatus): ReportedEnvoy => {
  const rejecting = types.some(({ error, rejected }) => error !== '' || rejected.length > 0);
  const pending = types.some(({ acknowledged }) => !acknowledged);
  return {
    node: node.id,
    gateway: group,
    peer,
    mode,
    connectedAt: new Date(since).toISOString(),
    state: !served ? 'waiting' : rejecting ? 'rejected' : pending ? 'pending' : 'accepted',
    types: types.map(({ typeUrl, ...rest }) => ({ type: typeNameOf(typeUrl), ...rest })),
  };
};

const names = Object.keys(messageNames) as readonly ResourceType[];
const typeNameOf = (typeUrl: string): string => names.find((name) => typeUrlOf(name) === typeUrl) ?? typeUrl;
