import { localKey, type ObjectKey, partsOf } from '../../lib/key.ts';
import { isTrouble } from '../../model/cluster-status.ts';
import { labelOf } from '../../model/sharing/service-names.ts';
import { gatewayNamedBy } from '../../model/tailnets/gateway-ref.ts';
import type { Wrong } from './explanation.ts';
import type { World } from './world.ts';

/** A Tailscale Service that some object of ours has. */
export type Shared = {
  /** `prod/svc:web`. */
  readonly key: string;
  readonly tailnet: string;
  readonly name: string;
  /** TailscaleGateway or TailscaleServices. */
  readonly owner: ObjectKey;
  /** Routes that are reached by it. */
  readonly routes: readonly string[];
  readonly ports: readonly string[];
  /** Names and addresses that lead to nothing else. */
  readonly names: readonly string[];
  /** Why peers do not reach it, as the status of its owner has it. */
  readonly wrong?: Wrong;
  /** What users should know though all is well. */
  readonly remark?: string;
};

type Known = Pick<World, 'graph' | 'tailnets' | 'sharedServices'>;

/** Services that routes became, and those of TailscaleServices, by `tailnet/svc:name`. */
export const sharedIn = (world: Known): ReadonlyMap<string, Shared> => {
  const all = new Map<string, Shared>();
  for (const [key, { tailnet, name, owners, routes, ports }] of world.graph.vipServices) {
    const [owner] = owners;
    if (owner === undefined) continue;
    const wrong = partsOf(owner).kind === 'TailscaleServices' ? troubleOf(owner, 'VIPServiceReady', world) : undefined;
    const own = { key, tailnet, name, owner, routes, ports, names: namesOf(key, tailnet, name, world) };
    all.set(key, { ...own, ...(wrong === undefined ? {} : { wrong }) });
  }
  for (const [owner, status] of world.graph.statuses) {
    if (status.kind !== 'TailscaleGateway') continue;
    for (const { name, tailnet, status: reason, message, routes = [], ports = [] } of status.fields.services ?? []) {
      const key = `${tailnet}/${name}`;
      const said = reason === 'Ready' ? { remark: message } : { wrong: { reason: reason ?? '', message: message ?? '', object: owner } };
      const own = { key, tailnet, name, owner, routes, ports, names: namesOf(key, tailnet, name, world) };
      all.set(key, { ...own, ...('remark' in said && said.remark === undefined ? {} : (said as Pick<Shared, 'wrong' | 'remark'>)) });
    }
  }
  return all;
};

const troubleOf = (owner: ObjectKey, type: string, { graph }: Known): Wrong | undefined => {
  const status = graph.statuses.get(owner);
  const found = status !== undefined && 'conditions' in status ? status.conditions.find((one) => one.type === type) : undefined;
  return found !== undefined && isTrouble(found) ? { reason: found.reason, message: found.message, object: owner } : undefined;
};

const namesOf = (key: string, tailnet: string, name: string, { tailnets, sharedServices }: Known): readonly string[] => {
  const suffix = tailnets.get(tailnet)?.known?.suffix;
  return [...(suffix === undefined ? [] : [`${labelOf(name)}.${suffix}`]), ...(sharedServices.get(key)?.addresses ?? [])];
};

/** What TailscaleGateways and TailscaleServices say is wrong in words that have `text` in them: who else has a name, or why something is not shared. */
export const complaintsOf = (text: string, { graph }: World): readonly (Wrong & { readonly object: ObjectKey })[] =>
  [...graph.statuses].flatMap(([object, status]) => {
    if (status.kind !== 'TailscaleGateway' && status.kind !== 'TailscaleServices') return [];
    const said = status.conditions.filter((one) => isTrouble(one) && one.message.includes(text));
    return said.slice(0, 1).map(({ reason, message }) => ({ reason, message: message.slice(message.indexOf(text)), object }));
  });

/** The Gateway that a TailscaleGateway shares; undefined for anything else. */
export const sharedGateway = (owner: ObjectKey, { read }: World): string | undefined => {
  const { kind, namespace, name } = partsOf(owner);
  const gateway = kind === 'TailscaleGateway' ? read('TailscaleGateway', localKey(namespace, name)) : undefined;
  return gateway && gatewayNamedBy(gateway);
};
