import { fingerprint } from '../../lib/fingerprint.ts';
import { byCodeUnit } from '../../lib/key.ts';
import type { Forward } from '../proxy-set.ts';

/** One port of something on the tailnet, by address (a canonical IP literal) or by MagicDNS name. */
export type ForwardTarget = { readonly protocol: 'TCP' | 'UDP'; readonly port: number } & (
  | { readonly ip: string }
  | { readonly fqdn: string }
);

/** Ports of a proxy pod that lead to the tailnet: those the official operator takes, too. */
const firstPort = 10_000;
export const mostForwardedPorts = 1000;

/** What one target's mapping is called in egress-services and in what proxies say of themselves. Names have dots, addresses no colons. */
export const forwardName = (target: { readonly ip: string } | { readonly fqdn: string }): string =>
  'ip' in target ? target.ip.replaceAll(':', '-') : target.fqdn;

/**
 * What proxies have to forward, by name of the mapping, in code-unit order. The port of a pod follows from the target alone, unless two
 * meet: then the later one by name moves on. So a target that comes or goes leaves nearly all others where they are. Of more than 1,000
 * ports, the last by name are left out.
 */
export const forwardsOf = (targets: readonly ForwardTarget[]): ReadonlyMap<string, Forward> => {
  const wanted = [...wantedPorts(targets)].toSorted(([one], [other]) => byCodeUnit(one, other)).slice(0, mostForwardedPorts);
  const taken = new Set<number>();
  const ports = wanted.map(([key, target]) => {
    let offset = Number.parseInt(fingerprint(key), 16) % mostForwardedPorts;
    while (taken.has(offset)) offset = (offset + 1) % mostForwardedPorts;
    taken.add(offset);
    return { target, port: { protocol: target.protocol, matchPort: firstPort + offset, targetPort: target.port } };
  });
  const byName = Map.groupBy(ports, ({ target }) => forwardName(target));
  return new Map(
    [...byName].toSorted(([one], [other]) => byCodeUnit(one, other)).map(([name, group]) => [name, forwardFrom(group)] as const),
  );
};

/** How many ports of a pod these targets ask for. */
export const forwardedPortsOf = (targets: readonly ForwardTarget[]): number => wantedPorts(targets).size;

const wantedPorts = (targets: readonly ForwardTarget[]): ReadonlyMap<string, ForwardTarget> =>
  new Map(targets.map((target) => [`${forwardName(target)}/${target.protocol}/${target.port}`, target]));

type Port = { readonly target: ForwardTarget; readonly port: Forward['ports'][number] };

const forwardFrom = (group: readonly Port[]): Forward => {
  const target = group[0]?.target;
  return {
    ip: target !== undefined && 'ip' in target ? target.ip : '',
    fqdn: target !== undefined && 'fqdn' in target ? target.fqdn : '',
    ports: group.map(({ port }) => port).toSorted((one, other) => one.matchPort - other.matchPort),
  };
};
