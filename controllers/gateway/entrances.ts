/** Where proxies of tailnets come in. */
import { byCodeUnit } from '../../src/lib/key.ts';
import { equal } from '../../src/lib/equal.ts';
import type { Graph } from '../../src/model/graph.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';

export type Entrances = {
  /** That Envoy binds for peers of tailnets, ascending; never empty. */
  readonly ports: readonly number[];
  /** Sets of ingress proxies, whose pods connect to them; sorted. */
  readonly callers: readonly Pick<ProxySet, 'namespace' | 'name'>[];
};

/** A function that gives the entrances of every Gateway that has any, by `namespace/name`. What did not change is the same object. */
export const entrancesBuilder = (): ((graph: Pick<Graph, 'gateways' | 'proxySets'>) => ReadonlyMap<string, Entrances>) => {
  let last: ReadonlyMap<string, Entrances> = new Map();
  return ({ gateways, proxySets }) => {
    const sets = [...proxySets.values()].filter(({ direction, going }) => direction === 'ingress' && !going);
    const next = new Map<string, Entrances>();
    for (const [gateway, { sockets }] of gateways) {
      const ports = sockets.filter(({ tailnet }) => tailnet !== undefined).map(({ boundPort }) => boundPort);
      if (ports.length === 0) continue;
      const callers = sets
        .filter(({ gateways: users }) => users.some(({ namespace, name }) => `${namespace}/${name}` === gateway))
        .map(({ namespace, name }) => ({ namespace, name }))
        .toSorted((one, other) => byCodeUnit(`${one.namespace}/${one.name}`, `${other.namespace}/${other.name}`));
      const entrances = { ports: [...new Set(ports)].toSorted((one, other) => one - other), callers };
      const before = last.get(gateway);
      next.set(gateway, before !== undefined && equal(before, entrances) ? before : entrances);
    }
    if (next.size !== last.size || [...next].some(([gateway, entrances]) => last.get(gateway) !== entrances)) last = next;
    return last;
  };
};
