import { SocketAddress } from 'node:net';
import type { HealthCheck, TailscaleEndpoint, TailscaleEndpoints } from '../../api/generated/tailscale.ts';
import type { Device } from '../../api/observations.ts';
import { type HostPort, hostPortFrom } from '../../lib/host-port.ts';
import { memoWithin, type Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { ModelTables } from '../tables.ts';
import { deviceSelection, machinesSelected, preferred, tailnetKey } from './tables.ts';

/** One destination of a TailscaleEndpoints, as far as it is known. */
export type Machine = {
  /** Of the endpoint; of a machine that tags select `<endpoint>/<device>`, of one found by auto-discovery its MagicDNS name. Unique, unless devices share a name. */
  readonly name: string;
  readonly target: Target;
  /** By which references name it; `external` may be reached at another. */
  readonly port: number;
  readonly protocol: TailscaleEndpoint['protocol'];
  /** 0 gets no traffic. */
  readonly weight: number;
  /** Whether it may be sent traffic: what the tailnet does not know, or has not been asked about, counts as healthy. */
  readonly healthy: boolean;
  /** Whether the tailnet knows it, as a device or a service. */
  readonly known: boolean;
  /** Whether tags or auto-discovery found it. */
  readonly discovered: boolean;
  readonly device?: Device;
  readonly healthCheck?: HealthCheck;
  /** Stands for it, outside of the tailnet. */
  readonly external?: HostPort;
  /** For users: why it cannot be reached as it is written; it then is unhealthy. */
  readonly problem?: string;
};

/** `ip` is canonical. `name` is lower case, without a dot at the end, and there where users gave no address; `ip` then is what the tailnet says. */
export type Target = { readonly ip?: string; readonly name?: string };

/**
 * Every machine of a TailscaleEndpoints: those of `endpoints` in their order, then those of `autoDiscovery` that are not among them, by node id.
 * Machines that have to be discovered are left out while the tailnet's devices are not known. The same array while nothing
 * that it was made from changes.
 */
export const machinesOf = (endpoints: TailscaleEndpoints, read: Read<ModelTables>): readonly Machine[] => derived(endpoints, '', read);

const derived = memoWithin<ModelTables, TailscaleEndpoints, readonly Machine[]>(({ spec }, _at, read) => {
  const listed = (spec.endpoints ?? []).flatMap((endpoint) => listedMachines(endpoint, spec.tailnet, read));
  const { autoDiscovery } = spec;
  if (autoDiscovery === undefined) return listed;
  const { port, protocol, ...selection } = autoDiscovery;
  const taken = new Set(listed.filter((machine) => machine.port === port).map(({ device }) => device?.id));
  const found = machinesSelected(deviceSelection(spec.tailnet, selection), read)
    .filter((device) => !taken.has(device.id))
    .map((device) => discovered(device, { name: device.fqdn, port, protocol, weight: 1 }));
  return [...listed, ...found];
});

/** Whether an endpoint stands for every machine with its tags, not for one it names. */
export const isSelection = ({ externalTarget, tailscaleIP, tailscaleFQDN }: Partial<TailscaleEndpoint>): boolean =>
  externalTarget === undefined && tailscaleIP === undefined && tailscaleFQDN === undefined;

const listedMachines = (endpoint: TailscaleEndpoint, tailnet: string, read: Read<ModelTables>): readonly Machine[] => {
  const { externalTarget, name, tags = [], port, protocol, weight, healthCheck } = endpoint;
  const common = present({ name, port, protocol, weight, healthCheck });
  if (externalTarget !== undefined) return [externalMachine(externalTarget, common)];
  if (!isSelection(endpoint)) return [namedMachine(endpoint, common, tailnet, read)];
  return machinesSelected(deviceSelection(tailnet, { tags }), read).map((device) =>
    discovered(device, { ...common, name: `${name}/${labelOf(device)}` }),
  );
};

export type Common = Pick<Machine, 'name' | 'port' | 'protocol' | 'weight' | 'healthCheck'>;

const discovered = (device: Device, common: Common): Machine => ({
  ...common,
  target: present({ ip: device.addresses[0] }),
  healthy: device.usable && device.addresses.length > 0,
  known: true,
  discovered: true,
  device,
});

const externalMachine = (written: string, common: Common): Machine => {
  const external = hostPortFrom(written);
  if (external === undefined || external.port === 0) {
    const problem = `externalTarget "${written}" is no host and port`;
    return { ...common, target: {}, healthy: false, known: false, discovered: false, problem };
  }
  const ip = addressOf(external.host);
  const target = ip === undefined ? { name: external.host.toLowerCase() } : { ip };
  return { ...common, target, healthy: true, known: true, discovered: false, external };
};

/** The machine or Tailscale Service that an address or, without one, a MagicDNS name stands for. */
export const namedMachine = (
  { tailscaleIP, tailscaleFQDN }: Pick<TailscaleEndpoint, 'tailscaleIP' | 'tailscaleFQDN'>,
  common: Common,
  tailnet: string,
  read: Read<ModelTables>,
): Machine => {
  const ip = tailscaleIP === undefined ? undefined : addressOf(tailscaleIP);
  if (tailscaleIP !== undefined && ip === undefined) {
    const problem = `tailscaleIP "${tailscaleIP}" is no IP address`;
    return { ...common, target: {}, healthy: false, known: false, discovered: false, problem };
  }
  const name = tailscaleFQDN === undefined ? undefined : nameOf(tailscaleFQDN);
  const found = ip === undefined ? findByName(tailnet, name ?? '', read) : findByAddress(tailnet, ip, read);
  return {
    ...common,
    target: ip === undefined ? present({ name, ip: found.ip }) : { ip },
    healthy: found.device?.usable ?? true,
    known: found.known,
    discovered: false,
    ...present({ device: found.device }),
  };
};

type Found = { readonly known: boolean; readonly device?: Device; readonly ip?: string };

const findByAddress = (tailnet: string, ip: string, read: Read<ModelTables>): Found => {
  const device = preferred(read('devicesAt', tailnetKey(tailnet, ip)));
  if (device !== undefined) return { known: true, device };
  return { known: read('vipServicesAt', tailnetKey(tailnet, ip)) !== undefined };
};

/** What goes by a MagicDNS name: a device, or the Tailscale Service with that label below the tailnet's suffix. */
const findByName = (tailnet: string, name: string, read: Read<ModelTables>): Found => {
  const device = preferred(read('devicesNamed', tailnetKey(tailnet, name)));
  if (device !== undefined) return present({ known: true, device, ip: device.addresses[0] });
  const service = read('vipServicesNamed', tailnetKey(tailnet, `svc:${labelOf({ fqdn: name })}`));
  const suffix = read('tailnetStandings', tailnet)?.suffix;
  if (service === undefined || name !== `${labelOf({ fqdn: name })}.${suffix ?? ''}`) return { known: false };
  return present({ known: true, ip: service.addresses[0] });
};

const labelOf = ({ fqdn }: Pick<Device, 'fqdn'>): string => fqdn.split('.', 1)[0] ?? '';

/** A MagicDNS name as devices have it. */
export const nameOf = (written: string): string => written.toLowerCase().replace(/\.$/, '');

/** An IP literal as everybody writes it (RFC 5952); undefined for what is none. */
export const addressOf = (written: string): string | undefined => {
  try {
    return new SocketAddress({ address: written, family: written.includes(':') ? 'ipv6' : 'ipv4' }).address;
  } catch {
    // What is no address is told by its absence.
    return undefined;
  }
};
