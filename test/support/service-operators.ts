/** Operators that share services: tailplanes as they are, and others that do as Tailscale's own operator does. */
import { Coordinator, type Facts } from '../../controllers/vip-services/coordinator.ts';
import type { VipService as ListedService } from '../../src/api/observations.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import { servicesFrom } from '../../src/sources/tailnets/services.ts';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import type { SharedServices } from './shared-services.ts';
import { start } from './simulated-call.ts';
import type { VirtualStage } from './virtual-stage.ts';

export interface ServiceOperator {
  readonly id: string;
  /** Calls so far, lists of discovery not counted. */
  readonly calls: number;
  readonly isAlive: boolean;
  readonly wants: ReadonlySet<string>;
  want: (names: ReadonlySet<string>) => void;
  /** Between any two calls. */
  crash: () => void;
  begin: () => void;
}

export const refsOf = (service: VipService | undefined): readonly string[] =>
  (
    JSON.parse(service?.annotations?.['tailscale.com/owner-references'] ?? '{"ownerRefs":[]}') as { ownerRefs: { operatorID: string }[] }
  ).ownerRefs.map(({ operatorID }) => operatorID);

/** Operators that have a part in it. */
export const membersOf = (service: VipService | undefined): ReadonlySet<string> =>
  new Set([
    ...consumersOf(service).map((cluster) => `tailplane-${cluster}`),
    ...refsOf(service).filter((id) => !id.startsWith('tailplane-')),
  ]);

const consumersOf = (service: VipService | undefined): readonly string[] =>
  Object.keys(
    (JSON.parse(service?.annotations?.['gateway.tailscale.com/service-registry'] ?? '{}') as { consumers?: Record<string, unknown> })
      .consumers ?? {},
  );

/** A tailplane: the coordinator, fed by lists as discovery reads them, with a clock of its own that may be wrong. */
export class TailplaneOperator implements ServiceOperator {
  readonly id: string;
  readonly cluster: string;
  calls = 0;
  isAlive = false;
  wants: ReadonlySet<string> = new Set();
  readonly #stage: VirtualStage;
  readonly #shared: SharedServices;
  readonly #skewMs: number;
  #life = 0;
  #coordinator: Coordinator | undefined;
  #listed: ReadonlyMap<string, ListedService> | undefined;

  constructor(cluster: string, stage: VirtualStage, shared: SharedServices, skewMs: number) {
    this.cluster = cluster;
    this.id = `tailplane-${cluster}`;
    this.#stage = stage;
    this.#shared = shared;
    this.#skewMs = skewMs;
  }

  begin(): void {
    if (this.isAlive) return;
    this.isAlive = true;
    this.#listed = undefined;
    const life = ++this.#life;
    const { elapsed } = this.#stage;
    const api = this.#shared.apiFor({ name: this.id, isDead: () => this.#life !== life, called: () => (this.calls += 1) });
    this.#coordinator = new Coordinator(
      {
        tailnet: 'corp',
        self: { cluster: this.cluster, operator: this.id },
        api: () => api,
        clock: {
          now: () => start + this.#stage.elapsed + this.#skewMs,
          elapsed: () => this.#stage.elapsed - elapsed,
          random: this.#stage.random,
          after: this.#stage.after,
        },
        changed: () => undefined,
        failed: () => undefined,
      },
      this.#facts(true),
    );
    void this.#discover(life);
  }

  crash(): void {
    this.isAlive = false;
    this.#life += 1;
    this.#coordinator?.stop();
  }

  want(names: ReadonlySet<string>): void {
    this.wants = names;
    if (this.isAlive) this.#coordinator?.update(this.#facts(true));
  }

  async #discover(life: number): Promise<void> {
    const api = this.#shared.apiFor({ name: this.id, isDead: () => this.#life !== life, called: () => undefined });
    while (this.#life === life) {
      try {
        const list = await api.vipServices();
        this.#listed = servicesFrom(list, this.#listed ?? new Map());
        this.#coordinator?.update(this.#facts(true));
        await this.#stage.wait(this.#stage.between(135_000, 165_000));
      } catch (error) {
        if (!(error instanceof TailscaleApiError)) throw error;
        this.#coordinator?.update(this.#facts(false));
        await this.#stage.wait(this.#stage.between(5000, 30_000));
      }
    }
  }

  #facts(isWell: boolean): Facts {
    const wishes = new Map([...this.wants].map((name) => [name, this.#wish(name)]));
    return {
      wishes,
      services: this.#listed,
      isWell,
      leads: () => true,
      machineOf: () => undefined,
      hostsOf: () => [],
      mayRelease: () => true,
    };
  }

  #wish(name: string): VipServiceWish {
    return {
      tailnet: 'corp',
      name,
      ports: ['tcp:443'],
      tags: ['tag:k8s'],
      autoApprove: false,
      owners: [],
      routes: [`HTTPRoute/${this.cluster}/${name.slice(4)}`],
      sets: [],
    };
  }
}

/** As Tailscale's operator reconciles: read, add or take away its own reference, write the whole; looked at again after five to nine minutes. */
export class OfficialOperator implements ServiceOperator {
  readonly id: string;
  calls = 0;
  isAlive = false;
  wants: ReadonlySet<string> = new Set();
  readonly #stage: VirtualStage;
  readonly #shared: SharedServices;
  readonly #all: readonly string[];
  #life = 0;

  constructor(id: string, stage: VirtualStage, shared: SharedServices, all: readonly string[]) {
    this.id = id;
    this.#stage = stage;
    this.#shared = shared;
    this.#all = all;
  }

  begin(): void {
    if (this.isAlive) return;
    this.isAlive = true;
    this.#life += 1;
    for (const name of this.#all) void this.#reconcileEver(name, this.#life);
  }

  crash(): void {
    this.isAlive = false;
    this.#life += 1;
  }

  want(names: ReadonlySet<string>): void {
    this.wants = names;
    // It would hear of the change at once: that is one more life for each of its loops.
    if (this.isAlive) {
      this.crash();
      this.begin();
    }
  }

  async #reconcileEver(name: string, life: number): Promise<void> {
    const api = this.#shared.apiFor({ name: this.id, isDead: () => this.#life !== life, called: () => (this.calls += 1) });
    while (this.#life === life) {
      try {
        await this.#reconcile(name, api);
        await this.#stage.wait(this.#stage.between(300_000, 540_000));
      } catch (error) {
        if (!(error instanceof TailscaleApiError)) throw error;
        await this.#stage.wait(this.#stage.between(1000, 20_000));
      }
    }
  }

  async #reconcile(name: string, api: ReturnType<SharedServices['apiFor']>): Promise<void> {
    // Its own queue is short: what it reads it writes within seconds.
    const read = await api.vipService(name);
    const timely = { withinMs: 5000, answerMs: 5000 };
    const refs = refsOf(read);
    const write = (service: VipService, owners: readonly string[]): Promise<void> => {
      const annotations = {
        ...service.annotations,
        'tailscale.com/owner-references': JSON.stringify({ ownerRefs: owners.map((operatorID) => ({ operatorID })) }),
      };
      return api.putVipService({ ...service, comment: 'theirs', tags: ['tag:k8s'], annotations }, timely);
    };
    if (!this.wants.has(name)) {
      if (read === undefined || !refs.includes(this.id)) return;
      if (refs.length === 1) await api.deleteVipService(name, timely);
      else
        await write(
          read,
          refs.filter((ref) => ref !== this.id),
        );
    } else if (read === undefined) await write({ name, ports: ['do-not-validate'] }, [this.id]);
    else if (refs.length > 0 && !refs.includes(this.id)) await write(read, [...refs, this.id]);
  }
}
