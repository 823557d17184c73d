/** Objects as admission leaves them, and tailnets as discovery tells of them, for the tests of this folder. */
import type { EndpointSlice, Namespace } from '../../api/core.ts';
import type {
  ProxySettings,
  ServiceBackend,
  TailscaleEndpoint,
  TailscaleEndpoints,
  TailscaleEndpointsSpec,
  TailscaleProxyGroup,
  TailscaleServices,
  TailscaleServicesSpec,
  TailscaleTailnet,
} from '../../api/generated/tailscale.ts';
import { allKinds, type AnyObject } from '../../api/kinds.ts';
import type { Device, ObservedProxies, Observations, TailnetState, VipService } from '../../api/observations.ts';
import type { Objects } from '../../api/objects.ts';
import { localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import type { Backend } from '../graph.ts';
import type { BackendUse } from '../routes/app-protocol.ts';
import { type ModelTables, tablesBuilder } from '../tables.ts';
import { endpointsBackend, servicesBackend } from './backend.ts';

const group = 'gateway.tailscale.com/v1alpha1';
const meta = (name: string, more: object = {}) => ({ name, namespace: 'default', generation: 1, ...more });

export const tailnetOf = (name = 'prod', spec: Partial<TailscaleTailnet['spec']> = {}): TailscaleTailnet => ({
  apiVersion: group,
  kind: 'TailscaleTailnet',
  metadata: { name, generation: 1 },
  spec: { tailnet: '-', oauthSecretName: 'oauth', apiURL: 'https://api.example.com', controlURL: 'https://control.example.com', ...spec },
});

export const endpointOf = (name: string, more: Partial<TailscaleEndpoint> = {}): TailscaleEndpoint => ({
  name,
  port: 80,
  protocol: 'TCP',
  weight: 1,
  ...more,
});

export const proxyOf = (more: Partial<ProxySettings> = {}): ProxySettings => ({
  replicas: 1,
  connectionType: 'egress',
  mode: 'connect',
  ...more,
});

export const endpointsOf = (
  name: string,
  spec: Partial<TailscaleEndpointsSpec> = {},
  metadata: Partial<TailscaleEndpoints['metadata']> = {},
): TailscaleEndpoints => ({
  apiVersion: group,
  kind: 'TailscaleEndpoints',
  metadata: meta(name, metadata),
  spec: { tailnet: 'prod', ...spec },
});

export const servicesOf = (name: string, spec: Partial<TailscaleServicesSpec> = {}): TailscaleServices => ({
  apiVersion: group,
  kind: 'TailscaleServices',
  metadata: meta(name),
  spec: { selector: { matchLabels: { app: name } }, ...spec },
});

export const groupOf = (name: string, spec: Partial<TailscaleProxyGroup['spec']> = {}): TailscaleProxyGroup => ({
  apiVersion: group,
  kind: 'TailscaleProxyGroup',
  metadata: meta(name),
  spec: { type: 'egress', tailnet: 'prod', replicas: 2, mode: 'connect', ...spec },
});

export const backendEntry = (more: Partial<ServiceBackend>): ServiceBackend => ({ weight: 1, priority: 0, ...more });

/** The Namespace with labels, as `allowedNamespaces` looks at it. */
export const namespaceOf = (name: string, labels: Readonly<Record<string, string>>): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, generation: 1, labels: { ...labels, 'kubernetes.io/metadata.name': name } },
});

/** Proxies of a StatefulSet that are ready, as its headless Service has them. */
export const proxiesOf = (set: string, addresses: readonly string[], more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: meta(`${set}-1`, { labels: { 'kubernetes.io/service-name': set } }),
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address] })),
  ...more,
});

export const deviceOf = (name: string, address: string, more: Partial<Device> = {}): Device => ({
  id: `n-${name}`,
  fqdn: `${name}.tail1.ts.net`,
  hostname: name,
  addresses: [address],
  tags: [],
  user: '',
  usable: true,
  connected: true,
  authorized: true,
  expired: false,
  ...more,
});

export const offline = (device: Device): Device => ({ ...device, usable: false, connected: false });

export const vipServiceOf = (name: string, address: string, ports: readonly string[] = ['tcp:80']): VipService => ({
  name,
  addresses: [address],
  ports,
  tags: [],
  annotations: {},
});

export const stateOf = (
  devices: readonly Device[] = [],
  services: readonly VipService[] = [],
  { name = 'prod', suffix = 'tail1.ts.net' } = {},
): TailnetState => ({
  name,
  known: {
    devices: new Map(devices.map((device) => [device.id, device])),
    services: new Map(services.map((service) => [service.name, service])),
    suffix,
    lastSync: '2026-01-01T00:00:00Z',
  },
});

export const observationsOf = (
  states: readonly TailnetState[] = [],
  proxies: Readonly<Record<string, ObservedProxies>> = {},
): Observations => ({
  tailnets: new Map(states.map((state) => [state.name, state])),
  proxies: new Map(Object.entries(proxies)),
  sharedServices: new Map(),
});

export const objectsOf = (...objects: readonly AnyObject[]): Objects => {
  const byKind = new Map<string, Map<string, AnyObject>>(allKinds.map((kind) => [kind, new Map()]));
  for (const object of objects) byKind.get(object.kind)?.set(localKeyOf(object), object);
  return Object.fromEntries(byKind) as unknown as Objects;
};

/** One for all calls, as in one process. */
const build = tablesBuilder();

export const tablesFor = (objects: readonly AnyObject[], observations: Observations = observationsOf()): ModelTables =>
  build(objectsOf(...objects), observations);

export const readOf =
  (tables: ModelTables): Read<ModelTables> =>
  (table, key) =>
    tables[table].get(key) as never;

/** The backend of a reference that must resolve, without a port unless one is given. */
export const backendFor = (
  object: TailscaleEndpoints | TailscaleServices,
  use: BackendUse,
  tables: ModelTables,
  port?: number,
): Backend => {
  const found = resolve(object, use, tables, port);
  if (!found.ok) throw new Error(found.problem.message);
  return found.value.backend;
};

export const resolve = (object: TailscaleEndpoints | TailscaleServices, use: BackendUse, tables: ModelTables, port?: number) => {
  const need = { use, policies: true };
  return object.kind === 'TailscaleEndpoints'
    ? endpointsBackend(object, port, need, readOf(tables))
    : servicesBackend(object, port, need, readOf(tables));
};
