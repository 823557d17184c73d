const portOf = /^(?:tcp|udp):(?<first>\d+)(?:-(?<last>\d+))?$/;

type Range = { readonly first: number; readonly last: number };

const rangesIn = (ports: readonly string[]): readonly Range[] =>
  ports.flatMap((text) => {
    const groups = portOf.exec(text)?.groups;
    const first = Number(groups?.['first']);
    return groups === undefined ? [] : [{ first, last: Number(groups['last'] ?? first) }];
  });

/** Whether the ports of a Tailscale Service, such as `tcp:443` and `tcp:80-90`, name this one. */
export const vipPortsInclude = (ports: readonly string[], port: number): boolean =>
  rangesIn(ports).some(({ first, last }) => first <= port && port <= last);

/** Where a Tailscale Service with these ports is reached for `port`: there, unless it has one other port only. */
export const vipPortFor = (ports: readonly string[], port: number): number => {
  const [only, ...others] = rangesIn(ports);
  if (only === undefined || others.length > 0 || only.first !== only.last || vipPortsInclude(ports, port)) return port;
  return only.first;
};
