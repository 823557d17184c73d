/** A simulated tailnet whose Tailscale Services several operators share, in virtual time, with what goes wrong between them and its API. */
import type { ServicesApi } from '../../controllers/vip-services/coordinator.ts';
import { handle } from '../../src/simulator/handle.ts';
import { initialWorld } from '../../src/simulator/initial.ts';
import type { Reply } from '../../src/simulator/reply.ts';
import { type Simulation, simulationOf } from '../../src/simulator/simulation.ts';
import type { Tailnet, World } from '../../src/simulator/state.ts';
import { kindOf, TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import type { Timely } from '../../src/tailscale/transport.ts';
import { firstOf, start } from './simulated-call.ts';
import type { VirtualStage } from './virtual-stage.ts';

/** A write that the tailnet took. */
export type Landed = {
  readonly by: string;
  readonly name: string;
  readonly before: VipService | undefined;
  readonly after: VipService | undefined;
};

/** One process that calls. The dead send nothing more and hear nothing; what they have sent arrives. */
export type Caller = {
  readonly name: string;
  readonly isDead: () => boolean;
  readonly called: (call: string) => void;
};

/** Probabilities: that each part of a call takes long, or a read tells of the past; and that the API fails, or its answer is lost. */
export type Weather = { readonly slow: number; readonly failing: number };

/** What `controllers/vip-services/times.ts` reckons with: reads are no older, requests and answers no longer under way. */
const worstMs = 4900;

const token = 'shared';

const empty = firstOf(initialWorld('shared', start));

const names = /\/vip-services\/([^/]+)$/;

export class SharedServices {
  weather: Weather;
  readonly #stage: VirtualStage;
  readonly #landed: (write: Landed) => void;
  #simulation: Simulation;
  /** Worlds that late reads may still tell of, oldest first. */
  #past: { readonly since: number; readonly world: World }[] = [];

  constructor(stage: VirtualStage, weather: Weather, landed: (write: Landed) => void, services: readonly VipService[]) {
    this.#stage = stage;
    this.weather = weather;
    this.#landed = landed;
    const grant = { token, credential: 'simulated', scopes: ['all'], tags: ['tag:k8s-operator'], expiresAt: Number.POSITIVE_INFINITY };
    const tailnet: Tailnet = {
      ...empty,
      grants: [grant],
      services: services.map((service) => ({ ...service, addrs: service.addrs ?? [] })),
    };
    this.#simulation = simulationOf({ tailnets: [tailnet] });
  }

  get services(): readonly VipService[] {
    return firstOf(this.#simulation.world).services;
  }

  service(name: string): VipService | undefined {
    return this.services.find((service) => service.name === name);
  }

  apiFor(caller: Caller): ServicesApi {
    const send = async (call: string, method: string, path: string, body?: unknown, timely: Timely = {}): Promise<unknown> => {
      const { withinMs = Number.POSITIVE_INFINITY, answerMs = 30_000 } = timely;
      caller.called(call);
      const failing = (kind: 'conflict' | 'unreachable', said: string) => new TailscaleApiError({ call, kind, status: 0, said });
      const queuedMs = this.#isSlow() ? this.#stage.between(0, 20_000) : this.#stage.between(0, 300);
      await this.#stage.wait(queuedMs);
      if (caller.isDead()) return forever;
      if (queuedMs > withinMs) throw failing('conflict', 'not sent: too late');
      const reply = await this.#exchange(caller.name, method, path, body, answerMs);
      if (caller.isDead()) return forever;
      if (reply === undefined) throw failing('unreachable', 'no answer');
      if (reply.status === 404) return undefined;
      const { message = '' } = (reply.status >= 400 ? reply.body : {}) as { readonly message?: string };
      if (reply.status >= 400) throw new TailscaleApiError({ call, kind: kindOf(reply.status), status: reply.status, said: message });
      return reply.body;
    };
    const all = '/api/v2/tailnet/-/vip-services';
    return {
      vipServices: async () => ((await send('vipServices', 'GET', all)) as { readonly vipServices: readonly VipService[] }).vipServices,
      vipService: async (name) => (await send('vipService', 'GET', `${all}/${name}`)) as VipService | undefined,
      putVipService: async (service, timely) => {
        await send('putVipService', 'PUT', `${all}/${service.name}`, service, timely);
      },
      deleteVipService: async (name, timely) =>
        (await send('deleteVipService', 'DELETE', `${all}/${name}`, undefined, timely)) !== undefined,
      serviceHosts: async () => [],
      approveServiceHost: async () => undefined,
    };
  }

  #isSlow(): boolean {
    return this.#stage.chance(this.weather.slow);
  }

  /** Undefined where no answer comes, though it may have been done. */
  async #exchange(by: string, method: string, path: string, body: unknown, answerMs: number): Promise<Reply | undefined> {
    const thereMs = this.#isSlow() ? this.#stage.between(0, worstMs) : this.#stage.between(5, 80);
    const backMs = this.#isSlow() ? this.#stage.between(0, worstMs) : this.#stage.between(5, 80);
    const isLost = this.#stage.chance(this.weather.failing);
    await this.#stage.wait(thereMs);
    const reply = this.#answer(by, method, path, body);
    await this.#stage.wait(Math.min(backMs, answerMs - thereMs));
    return isLost || thereMs + backMs > answerMs ? undefined : reply;
  }

  #answer(by: string, method: string, path: string, body: unknown): Reply {
    const before = this.#simulation.world;
    const fails = this.#stage.chance(this.weather.failing);
    const isStale = method === 'GET' && this.#isSlow();
    const past = isStale ? this.#worldAt(this.#stage.elapsed - this.#stage.between(0, worstMs)) : undefined;
    const common = { id: 'f', path: '*', delayMs: 0, drop: false, cut: false };
    const faults = [
      ...(fails ? [{ ...common, stale: false, status: 500 }] : []),
      ...(past === undefined ? [] : [{ ...common, stale: true, past }]),
    ];
    const { simulation, outcome } = handle(
      { ...this.#simulation, faults, calls: [] },
      {
        method,
        path,
        query: new URLSearchParams(),
        headers: { authorization: `Bearer ${token}` },
        body: body === undefined ? '' : JSON.stringify(body),
        now: start + this.#stage.elapsed,
      },
    );
    this.#simulation = simulation;
    if (simulation.world !== before) {
      this.#past = [
        ...this.#past.filter(({ since }) => since > this.#stage.elapsed - 2 * worstMs),
        { since: this.#stage.elapsed, world: before },
      ];
      const name = names.exec(path)?.[1] ?? '';
      const was = firstOf(before).services.find((service) => service.name === name);
      this.#landed({ by, name, before: was, after: this.service(name) });
    }
    if (outcome.reply === undefined) throw new Error('unreachable: nothing is dropped');
    return outcome.reply;
  }

  /** As it was until the first change after that. */
  #worldAt(at: number): World {
    return this.#past.find(({ since }) => since > at)?.world ?? this.#simulation.world;
  }
}

const forever = new Promise<never>(() => undefined);
