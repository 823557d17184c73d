import { hostPortText } from '../../lib/host-port.ts';
import { partsOf } from '../../lib/key.ts';
import { covers } from '../../model/gateways/hostnames.ts';
import type { Gateway, Graph, Listener, Socket } from '../../model/graph.ts';
import { labelOf } from '../../model/sharing/service-names.ts';
import { vipPortsInclude } from '../../model/tailnets/vip-ports.ts';
import { enteringBy, enteringTo, ledTo, stoppedPath, withEntering } from './entering.ts';
import { pathThrough } from './explain.ts';
import type { Path, Step, Wrong } from './explanation.ts';
import type { Request } from './request.ts';
import { complaintsOf, type Shared } from './shared.ts';
import { tailnetStep } from './tailnet.ts';
import type { World } from './world.ts';

/** What of a request is asked besides: `only` one Gateway, and as `peer`. */
type Asked = { readonly only: string | undefined; readonly peer: string | undefined };

/**
 * What happens to a request of a peer for a name or an address of a Tailscale Service, a path for each service that it may mean; none for any other
 * request. Hosts that a Gateway answers itself, too, are from a tailnet only where a peer asks.
 */
export const tailnetPaths = (world: World, request: Request, { only, peer }: Asked): readonly Path[] => {
  const meant = [...world.shared().values()].filter((shared) => isMeant(shared, request, peer !== undefined, world));
  const paths = meant.flatMap((shared) => pathsTo(shared, request, peer, world));
  if (meant.length > 0) return only === undefined ? paths : paths.filter(({ gateway }) => gateway === only);
  return isAnswered(request.serverName, ownSockets(world.graph)) ? [] : strangePaths(request, world);
};

type At = { readonly gateway: Gateway; readonly socket: Socket };

const entrancesOf = ({ tailnet, name }: Shared, { gateways }: Graph): readonly At[] =>
  [...gateways.values()].flatMap((gateway) =>
    gateway.sockets
      .filter((socket) => socket.tailnet?.tailnet === tailnet && socket.tailnet.service === name)
      .map((socket) => ({ gateway, socket })),
  );

const ownSockets = ({ gateways }: Graph): readonly Socket[] =>
  [...gateways.values()].flatMap(({ sockets }) => sockets.filter(({ tailnet }) => tailnet === undefined));

const isMeant = (shared: Shared, { serverName }: Request, fromPeer: boolean, world: World): boolean => {
  if (shared.names.includes(serverName) || isLikely(shared, serverName, world)) return true;
  const own = ownSockets(world.graph);
  if (!fromPeer && domainsOf(own).includes(serverName)) return false;
  const sockets = entrancesOf(shared, world.graph).map(({ socket }) => socket);
  return serverName === labelOf(shared.name) || (fromPeer ? isAnswered(serverName, sockets) : domainsOf(sockets).includes(serverName));
};

/** Where nobody says what the tailnet's domain is, its names are told by their ends. */
const isLikely = ({ tailnet, name }: Shared, host: string, { tailnets }: World): boolean =>
  tailnets.get(tailnet)?.known?.suffix === undefined && host.endsWith('.ts.net') && host.split('.')[0] === labelOf(name);

const domainsOf = (sockets: readonly Socket[]): readonly string[] => sockets.flatMap(({ listeners }) => listeners.flatMap(domainsOn));

const domainsOn = (listener: Listener): readonly string[] => {
  if ('virtualHosts' in listener) return listener.virtualHosts.filter(({ entries }) => entries.length > 0).map(({ domain }) => domain);
  return 'serverNames' in listener ? listener.serverNames.map(({ name }) => name) : [];
};

/** By its name or by a suffix of it, not just by what answers any. */
const isAnswered = (host: string, sockets: readonly Socket[]): boolean =>
  domainsOf(sockets).some((domain) => domain !== '*' && covers(domain, host));

const pathsTo = (shared: Shared, request: Request, peer: string | undefined, world: World): readonly Path[] => {
  const entrances = entrancesOf(shared, world.graph).filter(({ socket }) => request.scheme !== 'udp' && socket.port === request.port);
  if (entrances.length === 0) return [withoutEnvoy(shared, request, peer, world)];
  return entrances.flatMap(({ gateway, socket }) => {
    const entering = enteringBy(socket, peer, world, request);
    if (entering === undefined) return [];
    const host = isLikely(shared, request.host, world) ? labelOf(shared.name) : request.host;
    const path = pathThrough({ gateway, socket, asker: entering.asker, request: { ...request, host } }, world);
    return [withEntering(path, entering)];
  });
};

/** By proxies straight to a backend, or by no way at all. */
const withoutEnvoy = (shared: Shared, { port, scheme }: Request, peer: string | undefined, world: World): Path => {
  const { key, name, owner, ports } = shared;
  const entering = enteringTo(shared, port, peer, world);
  const sets = world.graph.vipServices.get(key)?.sets ?? [];
  const protocol = scheme === 'udp' ? 'udp' : 'tcp';
  const isOpen = ports.includes('do-not-validate') && protocol === 'tcp';
  const isPort =
    isOpen ||
    vipPortsInclude(
      ports.filter((text) => text.startsWith(`${protocol}:`)),
      port,
    );
  const hosted = sets.flatMap((set) => world.graph.proxySets.get(set)?.services.get(name) ?? []);
  const forwarded = (to: string, detail: string): Path => {
    const step: Step = { at: 'backend', name: to, detail, object: owner };
    return withEntering({ gateway: '', outcome: 'forwarded', steps: [step], passedOver: [] }, entering);
  };
  const [led] = hosted.flatMap((one) => ledTo(one) ?? []);
  if (led !== undefined && isPort) return forwarded(led, `kernels of proxies lead port ${port} to it without an Envoy`);
  const [target] = hosted.flatMap((one) => one.ports.get(port) ?? []);
  if (target !== undefined && target.envoy === undefined && protocol === 'tcp')
    return forwarded(hostPortText(target), 'proxies forward bytes to it without an Envoy');
  if (isPort && entering.wrong !== undefined) return stoppedPath(entering, world, owner);
  const there = `it has ${ports.join(', ')}`;
  const detail = isPort
    ? `nothing listens for port ${port} of ${name}: see the status of ${partsOf(owner).kind} "${partsOf(owner).namespace}/${partsOf(owner).name}"`
    : `${name} has no port ${protocol}:${port}: ${there}`;
  return stoppedPath(entering, world, owner, { at: 'listener', name: '', detail });
};

/** Names under the domain of a tailnet that no object of ours has. Machines are left to whoever made them so, unless they keep a service from its name. */
const strangePaths = ({ serverName }: Request, world: World): readonly Path[] =>
  [...world.tailnets.values()].flatMap(({ name: tailnet, known }): readonly Path[] => {
    const suffix = known?.suffix;
    const label = serverName.split('.')[0] ?? '';
    if (known === undefined || suffix === undefined || serverName !== `${label}.${suffix}`) return [];
    const name = `svc:${label}`;
    const [complaint] = complaintsOf(`${name} `, world);
    const isMachine = [...known.devices.values()].some(({ fqdn }) => fqdn === serverName);
    if (complaint === undefined && isMachine) return [];
    const ours = [...world.shared().values()].filter((shared) => shared.tailnet === tailnet).map((shared) => shared.name);
    const there = ours.length === 0 ? 'nothing' : ours.join(', ');
    const message = known.services.has(name)
      ? `${name} is hosted by somebody else, and no route here is shared by this name`
      : `tailnet "${tailnet}" has no machine of this name and no ${name}; what is shared here is ${there}: see the status of the TailscaleGateway`;
    const wrong: Wrong = complaint ?? { message };
    const step: Step = { at: 'service', name, detail: wrong.message, ...(complaint === undefined ? {} : { object: complaint.object }) };
    return [{ gateway: '', outcome: 'refused', steps: [tailnetStep(tailnet, world), step], passedOver: [], wrong }];
  });
