import { Observable, shareReplay } from 'rxjs';
import type { Objects } from '../../api/objects.ts';
import type { TailnetState } from '../../api/observations.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { type ClientOptions, type TailscaleClient, tailscaleClient } from '../../tailscale/client.ts';
import type { SourceHealth } from '../source.ts';
import { type Access, accessFrom } from './access.ts';
import type { Clock } from './asking.ts';
import { Poller } from './poller.ts';

export type TailnetsOptions = {
  /** Where the Secrets of tailnets are that do not say where. */
  readonly ownNamespace: string;
  /** Between two questions to one tailnet, on average; 30,000. */
  readonly intervalMs?: number;
  /** For how long people are known by addresses of machines that cannot be listed any more; 7,200,000. */
  readonly identityMaxAgeMs?: number;
  readonly userAgent: string;
  /** A token of our own for `audience`, where somebody vouches for us. */
  readonly identityToken?: (audience: string) => Promise<string>;
  /** Starts the simulator if need be, and gives its base URL. It is asked in place of Tailscale for the tailnet named `simulated`. */
  readonly simulated?: () => Promise<string>;
  /** Told of each call to the API. `status` is HTTP's, or `none`. */
  readonly called?: (call: Called) => void;
  readonly clientFor?: (options: ClientOptions) => TailscaleClient;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
};

export type Called = { readonly tailnet: string; readonly call: string; readonly status: string; readonly seconds: number };

/** What is needed of configuration. */
export type TailnetObjects = Pick<Objects, 'TailscaleTailnet' | 'Secret'>;

/** Tailnets by name of their TailscaleTailnet. They are asked while `tailnets$` is subscribed to. */
export type TailnetsSource = {
  /** Those of which something was heard, be it a failure: within ten seconds all. Unchanged states, machines and services are the same objects. */
  readonly tailnets$: Observable<ReadonlyMap<string, TailnetState>>;
  /** While it can be asked. Another one after its credentials changed, and then the former one refuses to work: do not keep it. */
  readonly clientOf: (tailnet: string) => TailscaleClient | undefined;
  readonly health: () => readonly SourceHealth[];
  /** Asks one or all for what is new, because something was changed there; not more often than every five seconds. */
  readonly refresh: (tailnet?: string) => void;
};

/** The tailnets that configuration names, as their APIs tell of them. Never errors: what cannot be read any more stands, and its state says why. */
export const tailnetsSource = (objects$: Observable<TailnetObjects>, options: TailnetsOptions): TailnetsSource => {
  let session: Session | undefined;
  const tailnets$ = new Observable<ReadonlyMap<string, TailnetState>>((out) => {
    const own = new Session(options, (states) => out.next(states));
    session = own;
    const objects = objects$.subscribe({ next: (next) => own.follow(next), error: (error: unknown) => out.error(error) });
    return () => {
      objects.unsubscribe();
      own.stop();
      if (session === own) session = undefined;
    };
  });
  return {
    tailnets$: tailnets$.pipe(shareReplay({ bufferSize: 1, refCount: true })),
    clientOf: (tailnet) => session?.pollers.get(tailnet)?.client,
    health: () => [...(session?.pollers.values() ?? [])].map((poller) => poller.health()),
    refresh: (tailnet) => {
      for (const [name, poller] of session?.pollers ?? []) if (tailnet === undefined || name === tailnet) poller.refresh();
    },
  };
};

/** One subscription: a poller for each tailnet, and what was last said of them. */
class Session {
  readonly pollers = new Map<string, Poller>();
  readonly #options: TailnetsOptions;
  readonly #emit: (states: ReadonlyMap<string, TailnetState>) => void;
  readonly #clock: Clock;
  #following = false;
  #said: ReadonlyMap<string, TailnetState> | undefined;

  constructor(options: TailnetsOptions, emit: (states: ReadonlyMap<string, TailnetState>) => void) {
    this.#options = options;
    this.#emit = emit;
    this.#clock = { now: options.now ?? Date.now, random: options.random ?? Math.random };
  }

  follow({ TailscaleTailnet: tailnets, Secret: secrets }: TailnetObjects): void {
    const { ownNamespace, simulated, identityToken } = this.#options;
    const settings = { ownNamespace, simulates: simulated !== undefined, hasIdentity: identityToken !== undefined };
    const byName = new Map([...tailnets.values()].map((tailnet) => [tailnet.metadata.name, tailnet]));
    this.#following = true;
    for (const [name, poller] of this.pollers) {
      if (byName.has(name)) continue;
      poller.stop();
      this.pollers.delete(name);
    }
    for (const [name, tailnet] of byName) {
      const poller = this.pollers.get(name) ?? this.#pollerOf(name);
      this.pollers.set(name, poller);
      poller.follow(accessFrom(tailnet, secrets, settings));
    }
    this.#following = false;
    this.#say();
  }

  stop(): void {
    for (const poller of this.pollers.values()) poller.stop();
    this.pollers.clear();
  }

  #pollerOf(name: string): Poller {
    return new Poller({
      name,
      connect: (access) => this.#connect(name, access),
      intervalMs: this.#options.intervalMs ?? 30_000,
      identityMaxAgeMs: this.#options.identityMaxAgeMs ?? 7_200_000,
      clock: this.#clock,
      changed: () => this.#say(),
    });
  }

  async #connect(name: string, { apiURL, tailnet, simulated, clientId, clientSecret = '', audience }: Access): Promise<TailscaleClient> {
    const { clientFor = tailscaleClient, userAgent, identityToken = noIdentity, called, simulated: simulator } = this.#options;
    return clientFor({
      apiURL: simulated && simulator !== undefined ? await simulator() : apiURL,
      tailnet,
      credentials: audience === undefined ? { clientId, clientSecret } : { clientId, identityToken: () => identityToken(audience) },
      userAgent,
      ...this.#clock,
      called: ({ name: call, status, seconds }) =>
        called?.({ tailnet: name, call, status: status === 0 ? 'none' : String(status), seconds }),
    });
  }

  /** Once for all that one look at configuration changes. */
  #say(): void {
    if (this.#following) return;
    const states = new Map<string, TailnetState>();
    for (const [name, { state }] of [...this.pollers].toSorted(([one], [other]) => byCodeUnit(one, other)))
      if (state !== undefined) states.set(name, state);
    const said = this.#said;
    if (said?.size === states.size && [...states].every(([name, state]) => said.get(name) === state)) return;
    this.#said = states;
    this.#emit(states);
  }
}

const noIdentity = async (): Promise<string> => {
  throw new Error('unreachable: access without identity asks for none');
};
