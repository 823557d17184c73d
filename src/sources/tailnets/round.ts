import type { PolicyGroups, User } from '../../tailscale/answers.ts';
import { TailscaleApiError } from '../../tailscale/api-error.ts';
import type { TailscaleClient } from '../../tailscale/client.ts';
import type { Access, Trouble } from './access.ts';
import { Asking, type Clock, type Outcome } from './asking.ts';
import { Connection } from './connection.ts';
import type { ListedDevice } from './devices.ts';
import type { Knowledge } from './knowledge.ts';
import type { ListedService } from './services.ts';
import { askedMs, type Topic, troubleFrom } from './trouble.ts';

export type RoundOptions = {
  readonly access: Access;
  readonly connect: () => Promise<TailscaleClient>;
  readonly knowledge: Knowledge;
  /** Between two questions, on average. */
  readonly intervalMs: number;
  /** Groups are believed for so long after they were read. */
  readonly identityMaxAgeMs: number;
  readonly clock: Clock;
  /** Told after each answer and failure. */
  readonly settled: () => void;
};

/**
 * Machines are asked for every 4/3 intervals, services every 20/3, groups every 30 and people every 120, which makes 0.94 questions an interval:
 * with 30 s, and a token each hour, 114 calls an hour, where 120 are to be the most. Machines come and go, and Envoy must know; services
 * and groups change when somebody edits them, and what people are called hardly ever.
 */
const devicesEvery = 4 / 3;
const servicesEvery = 20 / 3;
const groupsEvery = 30;
const usersEvery = 120;

/** A tailnet is not waited for because its people are not told. */
const peoplePatienceMs = 5000;

const ofDevices: Topic = { what: 'machines', scope: 'devices:core:read' };
const ofServices: Topic = { what: 'services', scope: 'services:read' };

/** All that one client of one tailnet is asked, from its first question to its last. Each list is taken whole or not at all. */
export class Round {
  readonly #access: Access;
  readonly #connection: Connection;
  readonly #devices: Asking<readonly ListedDevice[]>;
  readonly #services: Asking<readonly ListedService[]>;
  readonly #groups: Asking<PolicyGroups | undefined>;
  readonly #users: Asking<readonly User[] | undefined>;
  readonly #patience: NodeJS.Timeout;
  /** The API wants to be left alone until then, in milliseconds since the epoch. */
  #quietUntil = 0;

  constructor({ access, connect, knowledge, intervalMs, identityMaxAgeMs, clock, settled }: RoundOptions) {
    this.#access = access;
    const connection = new Connection(connect);
    this.#connection = connection;
    const common = {
      clock,
      quietUntil: () => this.#quietUntil,
      settled: (outcome: Outcome) => {
        this.#heed(outcome, clock.now());
        settled();
      },
    };
    this.#devices = new Asking<readonly ListedDevice[]>({
      ...common,
      everyMs: intervalMs * devicesEvery,
      ask: async () => (await connection.open()).devices(),
      take: (list) => knowledge.takeDevices(list, clock.now()),
    });
    this.#services = new Asking<readonly ListedService[]>({
      ...common,
      everyMs: intervalMs * servicesEvery,
      ask: async () => (await connection.open()).vipServices(),
      take: (list) => knowledge.takeServices(list, clock.now()),
    });
    const endOfPeople = (): void => {
      knowledge.endOfPeople();
      settled();
    };
    /** What nobody is in trouble for: without it there are no groups, or no names. */
    const people = {
      clock,
      quietUntil: () => this.#quietUntil,
      settled: (outcome: Outcome) => {
        this.#heed(outcome, clock.now());
        if (outcome.failed && clock.now() - this.#groups.readAt >= identityMaxAgeMs) knowledge.takeGroups(undefined, clock.now());
        if (this.#groups.outcome !== undefined && this.#users.outcome !== undefined) endOfPeople();
        else settled();
      },
    };
    this.#groups = new Asking<PolicyGroups | undefined>({
      ...people,
      everyMs: intervalMs * groupsEvery,
      ask: async () => unlessRefused(await connection.open(), (client) => client.policyGroups()),
      take: (groups) => knowledge.takeGroups(groups, clock.now()),
    });
    this.#users = new Asking<readonly User[] | undefined>({
      ...people,
      everyMs: intervalMs * usersEvery,
      ask: async () => unlessRefused(await connection.open(), (client) => client.users()),
      take: (users) => knowledge.takeUsers(users, clock.now()),
    });
    this.#patience = setTimeout(endOfPeople, peoplePatienceMs);
  }

  get client(): TailscaleClient | undefined {
    return this.#connection.client;
  }

  /** Whether there is something to say: both lists were told, or one could not be. */
  get isHeard(): boolean {
    const [devices, services] = [this.#devices.outcome, this.#services.outcome];
    return (devices !== undefined && services !== undefined) || devices?.failed === true || services?.failed === true;
  }

  /** Why what is known may be old; of machines first, which matter most. */
  get trouble(): Trouble | undefined {
    const [devices, services] = [this.#devices.outcome, this.#services.outcome];
    if (devices?.failed) return troubleFrom(devices.error, ofDevices, this.#access);
    return services?.failed ? troubleFrom(services.error, ofServices, this.#access) : undefined;
  }

  /** When the tailnet was read last, in milliseconds since the epoch: that list of it which cannot be read, if there is one. 0 before. */
  get lastRead(): number {
    const all = [this.#devices, this.#services];
    const stale = all.filter(({ outcome }) => outcome?.failed !== false).map(({ readAt }) => readAt);
    return stale.length > 0 ? Math.min(...stale) : Math.max(...all.map(({ readAt }) => readAt));
  }

  /** When machines were listed last, in milliseconds since the epoch; 0 before. */
  get devicesReadAt(): number {
    return this.#devices.readAt;
  }

  soon(): void {
    this.#devices.soon();
    this.#services.soon();
  }

  stop(): void {
    this.#devices.stop();
    this.#services.stop();
    this.#groups.stop();
    this.#users.stop();
    clearTimeout(this.#patience);
    this.#connection.close();
  }

  #heed(outcome: Outcome, now: number): void {
    if (outcome.failed) this.#quietUntil = Math.max(this.#quietUntil, now + askedMs(outcome.error));
    else if (outcome.recovered)
      // What kept one from its answer is gone for the others too.
      for (const asking of [this.#devices, this.#services, this.#groups, this.#users]) if (asking.outcome?.failed) asking.soon();
  }
}

/** Undefined where the credentials lack the right, which is theirs to lack, or the API has no such thing. */
const unlessRefused = async <T>(client: TailscaleClient, ask: (client: TailscaleClient) => Promise<T>): Promise<T | undefined> => {
  try {
    return await ask(client);
  } catch (error) {
    if (error instanceof TailscaleApiError && (error.kind === 'scopes' || error.kind === 'not-found')) return undefined;
    throw error;
  }
};
