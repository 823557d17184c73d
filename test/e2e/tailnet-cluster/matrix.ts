import type { Ask } from './client.ts';
import type { Machine } from './machine.ts';

/** How a TailscaleEndpoints reaches its machine: `proxied` is `connect` with one proxy and an address, which Envoy does without a tunnel of its own. */
export const ways = ['connect', 'proxied', 'forward'] as const;
const targets = ['TailscaleEndpoints', 'TailscaleServices'] as const;
const routes = { HTTPRoute: 'http', GRPCRoute: 'grpc', TLSRoute: 'tls', TCPRoute: 'tcp', UDPRoute: 'udp' } as const;
type Route = keyof typeof routes;

/** One kind of route to one kind of backend in one way, by listeners of its own where there is nothing but a port to tell it by. */
export type Cell = Omit<Ask, 'ca'> & { readonly way: (typeof ways)[number]; readonly to: (typeof targets)[number]; readonly route: Route };

/** By the names of their routes. */
export const cells: ReadonlyMap<string, Cell> = new Map(
  ways.flatMap((way, at) =>
    targets.flatMap((to, of) =>
      (Object.keys(routes) as Route[]).map((route) => {
        const protocol = routes[route];
        const name = `${way}-${to.toLowerCase()}-${protocol}`;
        const port = { http: 80, grpc: 80, tls: 443, tcp: 9000 + 2 * at + of, udp: 9000 + 2 * at + of }[protocol];
        return [name, { way, to, route, protocol, port, host: `${name}.passthrough.example` }] as const;
      }),
    ),
  ),
);

/** Packets do not go through an HTTP proxy. */
export const isRefused = ({ way, protocol }: Cell): boolean => protocol === 'udp' && way !== 'forward';

/** A listener for each cell that needs one of its own, in flow style. */
export const matrixListeners: readonly string[] = [...cells.values()]
  .filter(({ protocol }) => protocol === 'tcp' || protocol === 'udp')
  .map(({ protocol, port }) => `{ name: ${protocol}-${port}, protocol: ${protocol.toUpperCase()}, port: ${port} }`);

const sectionOf = ({ protocol, port }: Cell): string =>
  protocol === 'tcp' || protocol === 'udp' ? `${protocol}-${port}` : port === 443 ? 'tls' : 'http';

const hostnamesOf = ({ protocol, host }: Cell): string => (protocol === 'tcp' || protocol === 'udp' ? '' : `hostnames: [${host}]`);

const routeFrom = (name: string, cell: Cell, { ports }: Machine): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${cell.route}
metadata: { name: ${name}, namespace: shop }
spec:
  parentRefs: [{ name: shop, sectionName: ${sectionOf(cell)} }]
  ${hostnamesOf(cell)}
  rules:
    - backendRefs: [{ group: gateway.tailscale.com, kind: ${cell.to}, name: ${cell.way}, port: ${ports[cell.protocol]} }]
`;

/** By name, but where it has to be an address, and forwarded bytes and packets. */
const endpointsFrom = (way: Cell['way'], { fqdn, ipv4, ports }: Machine): string => {
  const proxy = { connect: '{ replicas: 2 }', proxied: '{ replicas: 1 }', forward: '{ mode: forward }' }[way];
  const target = (protocol: string): string =>
    way === 'proxied' || (way === 'forward' && (protocol === 'tcp' || protocol === 'udp'))
      ? `tailscaleIP: ${ipv4}`
      : `tailscaleFQDN: ${fqdn}`;
  const written = Object.entries(ports).map(
    ([protocol, port]) => `{ name: ${protocol}, ${target(protocol)}, port: ${port}, protocol: ${protocol.toUpperCase()} }`,
  );
  return `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: ${way}, namespace: shop, labels: { way: ${way} } }
spec: { tailnet: lab, proxy: ${proxy}, endpoints: [${written.join(', ')}] }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: ${way}, namespace: shop }
spec: { selector: { matchLabels: { way: ${way} } } }
`;
};

/** Everything that users write for the matrix, but for the Gateway. */
export const matrixOf = (machine: Machine): string =>
  [...ways.map((way) => endpointsFrom(way, machine)), ...[...cells].map(([name, cell]) => routeFrom(name, cell, machine))].join('');
