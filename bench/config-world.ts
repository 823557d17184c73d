/** The configuration `npm run bench:config` works on: many Gateways, and for each many routes with a Service and an EndpointSlice of their own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type World = {
  readonly dir: string;
  readonly gateways: number;
  readonly routesPerGateway: number;
  /** Of the first Gateway's listener; the others follow upwards. */
  readonly firstPort: number;
  /** Where every endpoint points to begin with. */
  readonly backendPort: number;
};

export const gatewayName = (gateway: number): string => `gateway-${gateway}`;
export const hostOf = (gateway: number, route: number): string => `route-${route}.gateway-${gateway}.example`;

const fileOf = (world: World, gateway: number, name: string): string => join(world.dir, gatewayName(gateway), name);

/** Rewrites one route so that its answers carry `revision` in the header `x-revision`. */
export const writeRoute = async (world: World, gateway: number, route: number, revision: string): Promise<void> =>
  writeFile(
    fileOf(world, gateway, `route-${route}.yaml`),
    `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: g${gateway}-r${route}, namespace: default }
spec:
  parentRefs: [{ name: ${gatewayName(gateway)} }]
  hostnames: [${hostOf(gateway, route)}]
  rules:
    - matches: [{ path: { type: PathPrefix, value: / } }]
      filters:
        - type: ResponseHeaderModifier
          responseHeaderModifier: { set: [{ name: x-revision, value: '${revision}' }] }
      backendRefs: [{ name: g${gateway}-s${route}, port: 80 }]
`,
  );

/** Rewrites one EndpointSlice so that its Service is reached at `127.0.0.1:port`. */
export const writeEndpoint = async (world: World, gateway: number, route: number, port: number): Promise<void> =>
  writeFile(
    fileOf(world, gateway, `endpoint-${route}.yaml`),
    `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: g${gateway}-s${route}, namespace: default, labels: { kubernetes.io/service-name: g${gateway}-s${route} } }
addressType: IPv4
ports: [{ name: '', port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`,
  );

/** Writes all of it: three files a route, one a Gateway, in a folder for each Gateway. */
export const writeWorld = async (world: World): Promise<void> => {
  await mkdir(world.dir, { recursive: true });
  await writeFile(
    join(world.dir, 'class.yaml'),
    `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: gateway.tailscale.com/tailplane }
`,
  );
  for (let gateway = 0; gateway < world.gateways; gateway += 1) {
    await mkdir(join(world.dir, gatewayName(gateway)), { recursive: true });
    await writeFile(
      fileOf(world, gateway, 'gateway.yaml'),
      `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${gatewayName(gateway)}, namespace: default }
spec:
  gatewayClassName: tailplane
  addresses: [{ type: IPAddress, value: 127.0.0.1 }]
  listeners: [{ name: http, protocol: HTTP, port: ${world.firstPort + gateway} }]
`,
    );
    for (let route = 0; route < world.routesPerGateway; route += 1) {
      await writeFile(
        fileOf(world, gateway, `service-${route}.yaml`),
        `apiVersion: v1
kind: Service
metadata: { name: g${gateway}-s${route}, namespace: default }
spec: { ports: [{ port: 80 }] }
`,
      );
      await writeEndpoint(world, gateway, route, world.backendPort);
      await writeRoute(world, gateway, route, 'initial');
    }
  }
};
