import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { apply } from '../runtime/apply.ts';
import { waitAfter } from '../../src/kubernetes/backoff.ts';
import { configMapFrom, isReport, type Replica } from './config-map.ts';

export type ReportWriterOptions = {
  readonly api: ApiServer;
  readonly replica: Replica;
  /** Tells this process from earlier ones in the same pod. */
  readonly process: string;
  /** Told once for a row of failures. */
  readonly failed: (error: unknown) => void;
};

/** How often at most, and how often at least, a report is written. */
export const pace = { changeMs: 1000, heartbeatMs: 20_000 } as const;

/** Others wait a minute before they take us for dead, so this must not grow far. */
const backoff = { minMs: 1000, maxMs: 5000 };

/** Keeps a replica's report on the API server: the newest, a second after the last one at the soonest, and a heartbeat when there is nothing new. */
export class ReportWriter {
  readonly #options: ReportWriterOptions;
  readonly #stop = new AbortController();
  #text: string | undefined;
  #changed = false;
  #standing: KubeObject | undefined;
  #failures = 0;
  #notBeforeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: ReportWriterOptions) {
    this.#options = options;
  }

  write(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.again();
  }

  /** What was written stands no longer. */
  again(): void {
    if (this.#stop.signal.aborted) return;
    this.#changed = true;
    if (this.#writing === undefined) this.#writeIn(this.#notBeforeMs - performance.now());
  }

  /** Takes the report away, as far as the API server lets us. Never throws. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#writing;
    if (this.#standing === undefined) return;
    try {
      const { api } = this.#options;
      await apply({ do: 'delete', object: this.#standing }, { api, isOurs: isReport, signal: AbortSignal.timeout(2000) });
    } catch {
      // The pod's end takes it away, or others take no notice of it after a minute.
    }
  }

  #writeIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#writing = this.#writeNow();
      },
      Math.max(0, ms),
    );
  }

  async #writeNow(): Promise<void> {
    const { api, replica, process, failed } = this.#options;
    const { signal } = this.#stop;
    this.#changed = false;
    let waitMs: number = pace.changeMs;
    try {
      const object = configMapFrom(replica, { text: this.#text ?? '', heartbeat: new Date().toISOString(), process });
      this.#standing = await apply({ do: 'apply', object, standing: this.#standing }, { api, isOurs: isReport, signal });
      this.#failures = 0;
    } catch (error) {
      if (!signal.aborted) {
        const isReplaced = this.#standing !== undefined && error instanceof ApiError && (error.code === 409 || error.code === 422);
        // Whoever deleted or replaced it: what stands there now is looked at before it is written to.
        this.#standing = undefined;
        this.#changed = true;
        if (!isReplaced) {
          if (++this.#failures === 1) failed(error);
          waitMs = waitAfter(this.#failures, error, backoff, Math.random());
        }
      }
    }
    this.#writing = undefined;
    if (signal.aborted) return;
    this.#notBeforeMs = performance.now() + waitMs;
    this.#writeIn(this.#changed ? waitMs : pace.heartbeatMs);
  }
}
