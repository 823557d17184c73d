import type { X509Certificate } from 'node:crypto';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Limits } from './limits.ts';
import { isVouchedFor, type Peer, urisIn } from './peer.ts';
import { codes, type Receiver } from './wire.ts';

/** One client's connection: knows who it is, finds out whether it still lives, and asks it to come anew when that is due. */
export class Session {
  readonly peer: Peer;
  readonly #session: ServerHttp2Session;
  readonly #limits: Limits;
  readonly #receivers = new Set<Receiver>();
  readonly #certificate: X509Certificate | undefined;
  readonly #agedAt: number;
  /** Unix milliseconds. */
  readonly #expiresAt: number;
  #distrustedAt = Number.POSITIVE_INFINITY;
  #closedAt = Number.POSITIVE_INFINITY;
  #pingedAt = performance.now();
  #answered = true;
  #usedAt = performance.now();

  constructor(session: ServerHttp2Session, limits: Limits) {
    this.#session = session;
    this.#limits = limits;
    this.#certificate = certificateOf(session.socket);
    this.peer = {
      address: `${session.socket.remoteAddress ?? 'unknown'}:${session.socket.remotePort ?? 0}`,
      uris: this.#certificate === undefined ? undefined : urisIn(this.#certificate.subjectAltName ?? ''),
    };
    // Replicas of one Deployment connect together, and their certificates expire together; they must not all come anew together.
    this.#agedAt = performance.now() + limits.connectionAgeMs * (0.9 + Math.random() / 5);
    this.#expiresAt = (this.#certificate?.validToDate.getTime() ?? Number.POSITIVE_INFINITY) + limits.connectionGraceMs * Math.random();
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
    const [end, why] = this.#end(now);
    if (!this.#answered && now - this.#pingedAt > keepaliveTimeoutMs) this.destroy();
    else if (now > this.#closedAt + connectionGraceMs) this.destroy();
    else if (now > end) this.close(why);
    else if (this.#receivers.size === 0 && now - this.#usedAt > idleMs) this.close('the connection is idle');
    else if (now - this.#pingedAt > keepaliveMs) this.#ping(now);
  }

  /** Only these CAs are trusted from now on. A client that none of them vouches for is asked to come with another certificate. */
  trustOnly(cas: readonly X509Certificate[]): void {
    if (this.#certificate !== undefined && isVouchedFor(this.#certificate, cas)) return;
    this.#distrustedAt = Math.min(this.#distrustedAt, performance.now());
    this.check(performance.now());
  }

  /** Says goodbye (GOAWAY) and ends the streams, which would otherwise never end. */
  close(details: string): void {
    if (this.#session.closed) return;
    this.#closedAt = performance.now();
    this.#session.close();
    for (const receiver of this.#receivers) receiver.failed({ code: codes.unavailable, details });
  }

  destroy(): void {
    this.#session.destroy();
  }

  /** When the connection is to end at the latest, by `performance.now()`, and why. */
  #end(now: number): readonly [at: number, why: string] {
    // The clock of certificates may be set while that of timers goes on.
    const expiresAt = now + this.#expiresAt - Date.now();
    const at = Math.min(this.#agedAt, expiresAt, this.#distrustedAt);
    if (at === this.#agedAt) return [at, 'the connection has reached its maximum age'];
    return [at, at === expiresAt ? 'the client certificate has expired' : 'the CA of the client certificate is not trusted any longer'];
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

/** The client's certificate, if it was asked for one and that was found good. */
const certificateOf = (socket: ServerHttp2Session['socket']): X509Certificate | undefined => {
  const { encrypted, authorized } = socket as Partial<TLSSocket>;
  return encrypted === true && authorized === true ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
};
