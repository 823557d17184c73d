import type { TailscaleClient } from '../../tailscale/client.ts';

/** A client that comes when it is first needed, and goes with us. */
export class Connection {
  /** The client while there is one. */
  client: TailscaleClient | undefined;
  readonly #connect: () => Promise<TailscaleClient>;
  #connecting: Promise<TailscaleClient> | undefined;
  #closed = false;

  constructor(connect: () => Promise<TailscaleClient>) {
    this.#connect = connect;
  }

  /** Rejects where no client can be had; asked again, it tries again. */
  open(): Promise<TailscaleClient> {
    this.#connecting ??= this.#connect().then(
      (client) => {
        if (this.#closed) client.close();
        else this.client = client;
        return client;
      },
      (error: unknown) => {
        this.#connecting = undefined;
        throw error;
      },
    );
    return this.#connecting;
  }

  close(): void {
    this.#closed = true;
    this.client?.close();
    this.client = undefined;
  }
}
