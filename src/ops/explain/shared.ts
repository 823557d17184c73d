import { localKey, type ObjectKey, partsOf } from '../../lib/key.ts';
import { isTrouble } from '../../model/cluster-status.ts';
import { present } from '../../lib/present.ts';
import { halfClosed } from '../../model/sharing/standing.ts';
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
    const own = { key, tailnet, name, owner, routes, ports, names: namesOf(key, tailnet, name, world) };
    all.set(key, { ...own, ...(partsOf(owner).kind === 'TailscaleServices' ? saidOf(owner, world) : {}) });
  }
  for (const [owner, status] of world.graph.statuses) {
    if (status.kind !== 'TailscaleGateway') continue;
    for (const { name, tailnet, status: reason, message, routes = [], ports = [] } of status.fields.services ?? []) {
      const key = `${tailnet}/${name}`;
      const said =
        reason === 'Ready' ? present({ remark: message }) : apart({ reason: reason ?? '', message: message ?? '', object: owner });
      all.set(key, { key, tailnet, name, owner, routes, ports, names: namesOf(key, tailnet, name, world), ...said });
    }
  }
  return all;
};

type Said = Pick<Shared, 'wrong' | 'remark'> & Partial<Pick<Shared, 'ports'>>;

/** What the status of a TailscaleServices says; its ports, too, which a tailnet need not be told. */
const saidOf = (owner: ObjectKey, { graph }: Known): Said => {
  const status = graph.statuses.get(owner);
  if (status?.kind !== 'TailscaleServices') return {};
  const found = status.conditions.find(({ type }) => type === 'VIPServiceReady');
  const said = present({ ports: status.fields.vipServiceStatus?.ports });
  if (found === undefined) return said;
  const { reason, message } = found;
  if (isTrouble(found)) return { ...said, ...apart({ reason, message, object: owner }) };
  const remark = message.slice(message.indexOf('; ') + 1).trim();
  return remark === message ? said : { ...said, remark };
};

/** What is wrong, and what would have to be known were nothing. */
const apart = ({ message, ...wrong }: Wrong): Said => {
  const end = `; ${halfClosed}`;
  return message.endsWith(end)
    ? { wrong: { ...wrong, message: message.slice(0, -end.length) }, remark: halfClosed }
    : { wrong: { ...wrong, message } };
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
