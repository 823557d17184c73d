import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import {
  type Device,
  noObservations,
  type ObservedProxies,
  type ObservedProxy,
  type Observations,
  type ObservedVipService,
  type TailnetState,
  type VipService,
} from '../../src/api/observations.ts';

/** What `observations.yaml` may leave out is as it mostly is: devices can be used, proxies have joined. */
type Written = {
  readonly tailnets?: Readonly<Record<string, WrittenTailnet>>;
  readonly proxies?: Readonly<Record<string, WrittenProxies>>;
  readonly sharedServices?: Readonly<Record<string, WrittenShared>>;
};

type WrittenTailnet = {
  readonly suffix?: string;
  readonly devices?: readonly WrittenDevice[];
  readonly services?: readonly (Pick<VipService, 'name' | 'addresses'> & Partial<VipService>)[];
  readonly trouble?: NonNullable<TailnetState['trouble']>;
  /** Nothing is known of it, and `trouble` says why. */
  readonly silent?: boolean;
};

/** `offline`: everything of it is known, but it is not there. */
type WrittenDevice = Partial<Device> & { readonly name: string; readonly offline?: boolean };

type WrittenPod = Partial<Omit<ObservedProxy, 'forwards'>> & {
  readonly pod: string;
  readonly forwards?: Readonly<Record<string, readonly { protocol: 'TCP' | 'UDP'; matchPort: number; targetPort: number }[]>>;
};
type WrittenShared = Partial<Omit<ObservedVipService, 'hosts'>> & {
  readonly hosts?: Readonly<Record<string, { readonly approved: boolean; readonly configured: boolean }>>;
};

type WrittenProxies = Partial<Omit<ObservedProxies, 'pods' | 'served'>> & {
  readonly pods?: readonly WrittenPod[];
  /** Port of Envoy by service and its port. */
  readonly served?: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

/** What a case says is known beside its objects. */
export const loadObservations = (file: string): Observations => {
  if (!existsSync(file)) return noObservations;
  const { tailnets = {}, proxies = {}, sharedServices = {} } = parse(readFileSync(file, 'utf8')) as Written;
  return {
    tailnets: new Map(Object.entries(tailnets).map(([name, written]) => [name, stateFrom(name, written)])),
    proxies: new Map(Object.entries(proxies).map(([name, written]) => [name, proxiesFrom(written)])),
    sharedServices: new Map(Object.entries(sharedServices).map(([name, written]) => [name, sharedFrom(written)])),
  };
};

const lastSync = '2026-01-01T00:00:00Z';

const stateFrom = (
  name: string,
  { suffix = `${name}.ts.net`, devices = [], services = [], trouble, silent = false }: WrittenTailnet,
): TailnetState => {
  const known = {
    devices: new Map(devices.map((device) => deviceFrom(device, suffix)).map((device) => [device.id, device])),
    services: new Map(services.map((service) => [service.name, { ports: [], tags: [], annotations: {}, ...service }])),
    suffix,
    lastSync,
  };
  return { name, ...(silent ? {} : { known }), ...(trouble === undefined ? {} : { trouble }) };
};

const deviceFrom = ({ name, offline = false, ...more }: WrittenDevice, suffix: string): Device => ({
  id: `n-${name}`,
  fqdn: `${name}.${suffix}`,
  hostname: name,
  addresses: [],
  tags: [],
  user: '',
  usable: !offline,
  connected: !offline,
  authorized: true,
  expired: false,
  ...(offline ? { lastSeen: lastSync } : {}),
  ...more,
});

const proxiesFrom = ({ pods = [], served, ...more }: WrittenProxies): ObservedProxies => ({
  desired: pods.length,
  ready: pods.filter(({ ready = true }) => ready).length,
  pods: pods.map(podFrom),
  ...(served === undefined
    ? {}
    : {
        served: new Map(
          Object.entries(served).map(([service, ports]) => [
            service,
            new Map(Object.entries(ports).map(([port, leadsTo]) => [Number(port), leadsTo])),
          ]),
        ),
      }),
  ...more,
});

const sharedFrom = ({ hosts = {}, ...more }: WrittenShared): ObservedVipService => ({
  addresses: [],
  ports: [],
  tags: [],
  consumers: [],
  hosts: new Map(Object.entries(hosts)),
  ...more,
});

const podFrom = ({ forwards, ...more }: WrittenPod): ObservedProxy => ({
  ips: [],
  ready: true,
  joined: true,
  addresses: [],
  wantsKey: false,
  ...(forwards === undefined ? {} : { forwards: new Map(Object.entries(forwards)) }),
  ...more,
});
