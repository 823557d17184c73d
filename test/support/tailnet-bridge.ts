/**
 * Makes one tailnet of a coordination server of the tailnet lab, which knows machines and moves packets, and a simulator, which knows the API.
 * What the lab cannot do is done here: devices appear at the API, Tailscale Services get to machines that offer to host them and are
 * approved, and leave one that is gone for another.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { approvalOf } from '../../src/simulator/state-services.ts';
import type { Tailnet, VipService } from '../../src/simulator/state.ts';
import { type Daemon, daemons } from './tailscaled.ts';

/** Who a machine is to the API. Without a user it is a tagged one. */
export type Identity =
  | { readonly user: string; readonly tags?: undefined }
  | { readonly tags: readonly string[]; readonly user?: undefined };

export type BridgeOptions = {
  /** URLs of the lab's admin API, and of the simulator. */
  readonly admin: string;
  readonly simulator: string;
  /** By host name; others are proxies of ours, `tag:k8s`, as their auth keys make them, which the lab does not know. */
  readonly identities: Readonly<Record<string, Identity>>;
  /** Is told each time when a service got to a machine, or to none, and when (by Date.now()) that began. */
  readonly moved?: (service: string, host: string | undefined, began: number) => void;
};

type Node = {
  readonly stableID: string;
  readonly nodeKey: string;
  readonly name: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
};

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #stopping = new AbortController();
  readonly #known = new Set<string>();
  readonly #named = new Set<string>();
  /** Stable id of the machine that has the addresses of a service, by its name. */
  readonly #hosts = new Map<string, string>();
  readonly #told = new Map<string, string>();
  readonly #running: Promise<void>;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#round().catch((error: unknown) => void (signal.aborted || process.stderr.write(`bridge: ${String(error)}\n`)));
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
  }

  async #round(): Promise<void> {
    const { admin } = this.#options;
    const nodes = (await this.#call<readonly Node[] | null>('GET', `${admin}/nodes`)) ?? [];
    for (const node of nodes) await this.#introduce(node);
    const running = new Map((await daemons()).map((daemon) => [daemon.nodeKey, daemon]));
    const alive = new Map(nodes.map(({ stableID, nodeKey }) => [stableID, running.get(nodeKey)]));
    const before = await this.#tailnet();
    for (const { nodeId } of before.devices) if (this.#known.has(nodeId)) await this.#tell(nodeId, alive.get(nodeId));
    const tailnet = await this.#tailnet();
    for (const service of tailnet.services) await this.#place(service, tailnet, nodes);
    for (const name of this.#hosts.keys())
      if (!tailnet.services.some((service) => service.name === name)) await this.#move(name, [], undefined, nodes);
  }

  async #introduce({ stableID: nodeId, name, hostname, addresses }: Node): Promise<void> {
    if (this.#known.has(nodeId) || addresses.length === 0) return;
    const identity = this.#options.identities[hostname] ?? { tags: ['tag:k8s'] };
    await this.#steer('POST', '/devices', { hostname, nodeId, name, addresses: addresses.map(plain), ...identity });
    this.#known.add(nodeId);
  }

  /** What control hears of a machine: whether it is there, and what it offers. */
  async #tell(nodeId: string, daemon: Daemon | undefined): Promise<void> {
    const heard = { online: daemon !== undefined, ...(daemon === undefined ? {} : { advertisedServices: daemon.advertised }) };
    if (this.#told.get(nodeId) === JSON.stringify(heard)) return;
    await this.#steer('PATCH', `/devices/${nodeId}`, heard);
    this.#told.set(nodeId, JSON.stringify(heard));
  }

  /** One host at a time, and for as long as it will: the lab would give the addresses to all, and peers would stay with a dead one. */
  async #place(service: VipService, tailnet: Tailnet, nodes: readonly Node[]): Promise<void> {
    const willing = tailnet.devices.filter(
      (device) =>
        device.connectedToControl &&
        device.advertisedServices.includes(service.name) &&
        approvalOf(tailnet, service, device).approved &&
        nodes.some(({ stableID }) => stableID === device.nodeId),
    );
    const present = this.#hosts.get(service.name);
    const host = willing.find(({ nodeId }) => nodeId === present) ?? willing[0];
    for (const address of service.addrs) await this.#name(`${service.name.slice('svc:'.length)}.${suffixOf(nodes)}`, address);
    await this.#move(service.name, service.addrs, host?.nodeId, nodes);
  }

  /** The next host has the addresses before the last one loses them, so that at no time nobody has. */
  async #move(service: string, addresses: readonly string[], next: string | undefined, nodes: readonly Node[]): Promise<void> {
    const present = this.#hosts.get(service);
    if (present === next) return;
    const began = Date.now();
    if (next !== undefined) await this.#assign(next, service, addresses);
    if (present !== undefined) await this.#assign(present, service, []);
    if (next === undefined) this.#hosts.delete(service);
    else this.#hosts.set(service, next);
    this.#options.moved?.(service, nodes.find(({ stableID }) => stableID === next)?.hostname, began);
  }

  #assign(node: string, service: string, addresses: readonly string[]): Promise<unknown> {
    const query = new URLSearchParams({ node, service });
    for (const address of addresses) query.append('ip', address);
    return this.#call('POST', `${this.#options.admin}/vip?${query.toString()}`);
  }

  /** The lab's names stay for good; a name that is given the same address again is none the worse for it. */
  async #name(name: string, ip: string): Promise<void> {
    if (this.#named.has(`${name} ${ip}`)) return;
    await this.#call('POST', `${this.#options.admin}/dns?${new URLSearchParams({ name, ip }).toString()}`);
    this.#named.add(`${name} ${ip}`);
  }

  async #tailnet(): Promise<Tailnet> {
    const { tailnets } = await this.#steer<{ readonly tailnets: readonly Tailnet[] }>('GET', '');
    const [tailnet] = tailnets;
    if (tailnet === undefined) throw new Error('unreachable: a simulation has a tailnet');
    return tailnet;
  }

  #steer<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#call(method, `${this.#options.simulator}/simulator${path}`, body);
  }

  async #call<T>(method: string, url: string, body?: unknown): Promise<T> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(10_000)]);
    const answer = await fetch(url, { method, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${url}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}

const plain = (address: string): string => address.replace(/\/.*$/, '');

const suffixOf = (nodes: readonly Node[]): string => (nodes[0]?.name ?? '').replace(/^[^.]*\./, '').replace(/\.$/, '');
