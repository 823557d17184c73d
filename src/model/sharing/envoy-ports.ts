/** Ports that Envoys bind for services of tailnets. */
export const entrancePorts = { first: 20_000, last: 29_999 } as const;

const size = entrancePorts.last - entrancePorts.first + 1;

/** `hint`: the port that proxies lead to now. */
export type PortWish = { readonly key: string; readonly hint?: number };

/**
 * A port of Envoy for each wish, by key; none for those that come when all are taken. Whoever has one keeps it (`hint`); others begin to look at a place
 * that their key alone says, so that they mostly get the same one in every process. `wishes` are oldest first.
 */
export const allottedPorts = (wishes: readonly PortWish[], taken: ReadonlySet<number>): ReadonlyMap<string, number> => {
  const used = new Set(taken);
  const ports = new Map<string, number>();
  const give = (key: string, port: number): void => {
    used.add(port);
    ports.set(key, port);
  };
  for (const { key, hint } of wishes) if (hint !== undefined && isEntrancePort(hint) && !used.has(hint)) give(key, hint);
  for (const { key } of wishes) {
    if (ports.has(key)) continue;
    const start = hashOf(key) % size;
    for (let step = 0; step < size; step += 1) {
      const port = entrancePorts.first + ((start + step) % size);
      if (used.has(port)) continue;
      give(key, port);
      break;
    }
  }
  return ports;
};

export const isEntrancePort = (port: number): boolean => port >= entrancePorts.first && port <= entrancePorts.last;

/** FNV-1a: fast, and the same everywhere. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
};
