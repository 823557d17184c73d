import type { TailnetState, TailnetTrouble } from '../../api/observations.ts';
import { equal, reuse } from '../../lib/equal.ts';
import { present } from '../../lib/present.ts';
import type { Result } from '../../lib/result.ts';
import type { TailscaleClient } from '../../tailscale/client.ts';
import type { SourceHealth } from '../source.ts';
import { type Access, isSamePlace, type Trouble } from './access.ts';
import type { Clock } from './asking.ts';
import { Knowledge } from './knowledge.ts';
import { Round } from './round.ts';

export type PollerOptions = {
  /** Of the TailscaleTailnet. */
  readonly name: string;
  readonly connect: (access: Access) => Promise<TailscaleClient>;
  /** Between two questions, on average. */
  readonly intervalMs: number;
  /** People are known by addresses of machines for so long after those were listed. */
  readonly identityMaxAgeMs: number;
  readonly clock: Clock;
  /** `state` is another one. */
  readonly changed: () => void;
};

/** Nobody waits longer for a tailnet's first answer. */
const silenceMs = 10_000;

/** What is known is relied on for so long. */
const lastingMs = 7_200_000;

/** `setTimeout` cannot wait longer. */
const longestTimerMs = 2 ** 31 - 1;

/** Follows one tailnet, by one client at a time. Knows nothing of others, so that none can disturb another. */
export class Poller {
  /** Undefined until something was heard, be it a failure. */
  state: TailnetState | undefined;
  readonly #options: PollerOptions;
  #access: Result<Access, Trouble> | undefined;
  /** Where what is known was told. */
  #place: Access | undefined;
  #knowledge = new Knowledge();
  #round: Round | undefined;
  /** What to say until this round has something to say. */
  #standing: Trouble | undefined;
  #lastRead = 0;
  #devicesReadAt = 0;
  #silence: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #anonymity: NodeJS.Timeout | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** While the tailnet can be asked. */
  get client(): TailscaleClient | undefined {
    return this.#round?.client;
  }

  /**
   * Asks by this access from now on. What is known stands until the new client answers, if that leads to the same place; of another place nothing
   * is known yet.
   */
  follow(access: Result<Access, Trouble>): void {
    if (equal(access, this.#access)) return;
    this.#access = access;
    this.#end();
    if (access.ok) this.#begin(access.value);
    else this.#standing = access.problem;
    this.#tell();
  }

  /** Asks at once, or soon if that was done a moment ago. */
  refresh(): void {
    this.#round?.soon();
  }

  stop(): void {
    this.#end();
    clearTimeout(this.#expiry);
    clearTimeout(this.#anonymity);
  }

  /** `lastRead` is the age of what may be stale, where something is. */
  health(): SourceHealth {
    const { known, trouble } = this.state ?? {};
    const health = { name: `tailnet ${this.#options.name}`, synced: known !== undefined, lastRead: this.#lastRead };
    return trouble === undefined ? health : { ...health, error: trouble.message };
  }

  #begin(access: Access): void {
    const { connect, intervalMs, identityMaxAgeMs, clock } = this.#options;
    if (this.#place === undefined || isSamePlace(this.#place, access)) this.#standing = this.state?.trouble;
    else {
      this.#standing = undefined;
      this.#knowledge = new Knowledge();
      this.#lastRead = 0;
      this.#devicesReadAt = 0;
    }
    this.#place = access;
    const knowledge = this.#knowledge;
    const settled = (): void => this.#tell();
    this.#round = new Round({ access, connect: () => connect(access), knowledge, intervalMs, identityMaxAgeMs, clock, settled });
    this.#silence = setTimeout(() => this.#hearNothing(access), silenceMs);
  }

  #end(): void {
    clearTimeout(this.#silence);
    this.#round?.stop();
    this.#round = undefined;
  }

  #hearNothing({ apiURL }: Access): void {
    if (this.#round?.isHeard !== false) return;
    this.#standing = { kind: 'unreachable', message: `${apiURL} has not answered for ${silenceMs / 1000} s` };
    this.#tell();
  }

  #tell(): void {
    const { name, changed } = this.#options;
    const round = this.#round;
    const known = this.#knowledge.known();
    this.#lastRead = Math.max(round?.lastRead ?? 0, this.#lastRead);
    this.#devicesReadAt = Math.max(round?.devicesReadAt ?? 0, this.#devicesReadAt);
    const trouble = this.#troubleOf(round === undefined || !round.isHeard ? this.#standing : round.trouble);
    this.#expectExpiry();
    this.#expectAnonymity();
    const { state } = this;
    if (known === state?.known && trouble === state?.trouble) return;
    this.state = known === undefined && trouble === undefined ? undefined : present({ name, known, trouble });
    changed();
  }

  /** The same object as before for the same trouble; `since` stands while only the words change. */
  #troubleOf(trouble: Trouble | undefined): TailnetTrouble | undefined {
    const former = this.state?.trouble;
    if (trouble === undefined) return undefined;
    const now = this.#options.clock.now();
    const since = former?.kind === trouble.kind ? former.since : `${new Date(now).toISOString().slice(0, 19)}Z`;
    const lasting = this.#lastRead > 0 && now - this.#lastRead >= lastingMs ? true : undefined;
    const anonymous = this.#isAnonymous(now) ? true : undefined;
    return reuse(former, present({ kind: trouble.kind, message: trouble.message, since, lasting, anonymous }));
  }

  #isAnonymous(now: number): boolean {
    return this.#devicesReadAt > 0 && now - this.#devicesReadAt >= this.#options.identityMaxAgeMs;
  }

  /** However long nothing is asked, this is told in time. */
  #expectAnonymity(): void {
    const now = this.#options.clock.now();
    clearTimeout(this.#anonymity);
    if (this.#devicesReadAt === 0 || this.#isAnonymous(now)) return;
    const inMs = this.#devicesReadAt + this.#options.identityMaxAgeMs - now;
    this.#anonymity = setTimeout(() => this.#tell(), Math.min(inMs, longestTimerMs));
  }

  #expectExpiry(): void {
    const { now } = this.#options.clock;
    clearTimeout(this.#expiry);
    const at = this.#knowledge.nextExpiry(now());
    if (at === Infinity) return;
    this.#expiry = setTimeout(
      () => {
        this.#knowledge.expire(now());
        this.#tell();
      },
      Math.min(at - now(), longestTimerMs),
    );
  }
}
