import type { Device, Observations, TailnetState } from '../../api/observations.ts';
import { reuse } from '../../lib/equal.ts';
import { memo, type Table } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import type { VipFinding } from '../sharing/vip-findings.ts';
import type { ModelTables } from '../tables.ts';
import { tailnetKey } from './tables.ts';

/** What statuses of our own kinds look things up in, beyond the model's tables. */
export type StatusTables = ModelTables & {
  /** By the ObjectKey of their owner; none where no cluster runs them. */
  readonly proxySetsOf: ReadonlyMap<string, readonly ProxySet[]>;
  /** By tailnet and stable node id, as in `corp/n123CNTRL`. */
  readonly devicesById: Table<Device>;
  /** By name of the TailscaleTailnet; absent until something was heard. */
  readonly tailnetSyncs: ReadonlyMap<string, TailnetSync>;
  /** Why templates of TailscaleServices are not followed, by `namespace/name`. */
  readonly templateProblems: ReadonlyMap<string, Verdict>;
  /** Of services that proxies of TailscaleServices are to host, by `namespace/name`. */
  readonly vipFindings: ReadonlyMap<string, VipFinding>;
};

export type TailnetSync = {
  /** When the tailnet was last known, to ten minutes: as statuses of thousands of objects say it, it may not change with each answer. */
  readonly at?: string;
  /** Nothing new was heard for long. */
  readonly lasting: boolean;
};

export const deviceKey = tailnetKey;

export const devicesById = memo((tailnets: Observations['tailnets']): Table<Device> => ({
  get: (key) => {
    const slash = key.indexOf('/');
    return tailnets.get(key.slice(0, slash))?.known?.devices.get(key.slice(slash + 1));
  },
}));

/** A function that tells what is known of tailnets as a whole; the same map while that is the same. */
export const tailnetSyncsBuilder = (): ((tailnets: Observations['tailnets']) => ReadonlyMap<string, TailnetSync>) => {
  let last: ReadonlyMap<string, TailnetSync> = new Map();
  return (tailnets) => {
    const next = new Map([...tailnets].map(([name, state]) => [name, reuse(last.get(name) ?? syncOf(state), syncOf(state))] as const));
    if (next.size !== last.size || [...next].some(([name, sync]) => last.get(name) !== sync)) last = next;
    return last;
  };
};

const syncOf = ({ known, trouble }: TailnetState): TailnetSync =>
  present({ at: known && `${known.lastSync.slice(0, 'YYYY-MM-DDThh:m'.length)}0:00Z`, lasting: trouble?.lasting ?? false });
