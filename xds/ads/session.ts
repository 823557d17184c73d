import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Limits } from './limits.ts';
import { codes, type Receiver } from './wire.ts';

/** One client's connection: finds out whether it still lives, and asks it to come anew when it is old. */
export class Session {
  readonly #session: ServerHttp2Session;
  readonly #limits: Limits;
  readonly #receivers = new Set<Receiver>();
  readonly #endsAt: number;
  #pingedAt = performance.now();
  #answered = true;
  #usedAt = performance.now();

  constructor(session: ServerHttp2Session, limits: Limits) {
    this.#session = session;
    this.#limits = limits;
    // Replicas of one Deployment connect together; they must not all come anew together.
    this.#endsAt = performance.now() + limits.connectionAgeMs * (0.9 + Math.random() / 5);
    session.on('error', () => undefined);
  }

  add(stream: ServerHttp2Stream, receiver: Receiver): void {
    this.#receivers.add(receiver);
    stream.on('close', () => {
      this.#receivers.delete(receiver);
      this.#usedAt = performance.now();
    });
  }

  /** To be called once in a while with `performance.now()`. */
  check(now: number): void {
    const { keepaliveMs, keepaliveTimeoutMs, connectionGraceMs, idleMs } = this.#limits;
    if (!this.#answered && now - this.#pingedAt > keepaliveTimeoutMs) this.destroy();
    else if (now > this.#endsAt + connectionGraceMs) this.destroy();
    else if (now > this.#endsAt) this.close('the connection has reached its maximum age');
    else if (this.#receivers.size === 0 && now - this.#usedAt > idleMs) this.close('the connection is idle');
    else if (now - this.#pingedAt > keepaliveMs) this.#ping(now);
  }

  /** Says goodbye (GOAWAY) and ends the streams, which would otherwise never end. */
  close(details: string): void {
    if (this.#session.closed) return;
    this.#session.close();
    for (const receiver of this.#receivers) receiver.failed({ code: codes.unavailable, details });
  }

  destroy(): void {
    this.#session.destroy();
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    this.#answered = false;
    try {
      this.#session.ping((error) => {
        this.#answered = error === null;
      });
    } catch {
      // The session was closed or destroyed in the meantime, or has too many pings unanswered: it is not to be kept.
      this.destroy();
    }
  }
}
