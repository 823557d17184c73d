import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import type { Cluster } from './cluster.ts';
import { Hindrance } from './failure.ts';
import type { HostingMemory } from './hosting-memory.ts';
import type { ProxyContext } from './objects/objects-for.ts';
import type { ReissueLimit } from './reissue-limit.ts';
import { type TailnetApi, TailnetCalls } from './tailnet.ts';

/** What work on a set uses of the world. */
export type Tools = {
  readonly api: ApiServer;
  readonly cluster: Cluster;
  readonly context: ProxyContext;
  readonly limit: ReissueLimit;
  readonly hosting: HostingMemory;
  /** Has the set, `namespace/name`, looked at again at that time, in milliseconds; never when that is infinite. */
  readonly again: (set: string, at: number) => void;
  /** Undefined while there is none that could be used: its Secret is missing, or the tailnet itself is. */
  readonly clientOf: (tailnet: string) => TailnetApi | undefined;
  readonly tailnetExists: (tailnet: string) => boolean;
  readonly told: (fields: object, message: string) => void;
  /** Aborted when we are no longer the one who writes. */
  readonly signal: AbortSignal;
};

/** The API of a tailnet, for a set. Throws a Hindrance while there is no way to it. */
export const callsFor = ({ clientOf, tailnetExists }: Tools, tailnet: string, about: Partial<Pick<ProxySet, 'tags'>>): TailnetCalls => {
  const api = clientOf(tailnet);
  if (api !== undefined) return new TailnetCalls(api, tailnet, about);
  throw new Hindrance(
    tailnetExists(tailnet)
      ? { reason: 'TailnetNotReady', message: `TailscaleTailnet ${tailnet} has no usable credentials yet: its status says why` }
      : { reason: 'TailnetNotFound', message: `There is no TailscaleTailnet ${tailnet}: create it` },
  );
};

export const isGoing = (object: KubeObject | undefined): boolean => object?.metadata.deletionTimestamp !== undefined;
