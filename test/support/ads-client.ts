import { Client, credentials, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { decode, encode } from '../../xds/codec.ts';
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse } from '../../xds/types.ts';

const aggregated = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
const messages = 'envoy.service.discovery.v3';
const pass = (bytes: Buffer): Buffer => bytes;

/** A gRPC stream of bytes to any method. What arrives is kept until asked for, in order. */
export class RawStream {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #client: Client;
  readonly #arrived: Buffer[] = [];
  #wake: () => void = () => undefined;
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
  #over = false;

  constructor(port: number, path: string, channel = credentials.createInsecure()) {
    this.#client = new Client(`127.0.0.1:${port}`, channel, { 'grpc.use_local_subchannel_pool': 1 });
    this.#call = this.#client.makeBidiStreamRequest(path, pass, pass);
    this.#call.on('data', (bytes: Buffer) => {
      this.#arrived.push(bytes);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      this.#call.on('error', ({ code, details }: ServiceError) => resolve({ code, details }));
      this.#call.on('status', ({ code, details }: { code: number; details: string }) => resolve({ code, details }));
      this.#call.on('close', () => resolve({ code: -1, details: 'closed without a status' }));
    }).then((status) => {
      this.#over = true;
      this.#wake();
      this.#client.close();
      return status as { readonly code: number; readonly details: string };
    });
  }

  send(bytes: Buffer): void {
    this.#call.write(bytes);
  }

  /** The next message; throws when the stream ends before one comes. */
  async next(): Promise<Buffer> {
    for (;;) {
      const bytes = this.#arrived.shift();
      if (bytes !== undefined) return bytes;
      if (this.#over) throw new Error(`the stream ended: ${JSON.stringify(await this.ended)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Messages that have arrived and were not asked for. */
  get unread(): number {
    return this.#arrived.length;
  }

  halfClose(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }
}

type Names = {
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly string[];
  readonly removed: readonly string[];
};

/** An ADS stream, or one of the per-type streams, that says only what it is told to say. */
export class AdsClient extends RawStream {
  readonly #mode: 'sotw' | 'delta';
  readonly #cluster: string;
  #introduced = false;

  constructor(
    port: number,
    mode: 'sotw' | 'delta',
    options: { cluster?: string; path?: string; channel?: ReturnType<typeof credentials.createSsl> } = {},
  ) {
    super(port, options.path ?? `${aggregated}/${mode === 'sotw' ? 'Stream' : 'Delta'}AggregatedResources`, options.channel);
    this.#mode = mode;
    this.#cluster = options.cluster ?? 'test/gateway';
  }

  request(request: DiscoveryRequest & DeltaDiscoveryRequest): void {
    const node = this.#introduced ? {} : { node: { id: 'test-node', cluster: this.#cluster } };
    this.#introduced = true;
    this.send(encode(`${messages}.${this.#mode === 'sotw' ? 'DiscoveryRequest' : 'DeltaDiscoveryRequest'}`, { ...node, ...request }));
  }

  /** The next response, its resources by name. */
  async response(): Promise<Names> {
    const bytes = await this.next();
    if (this.#mode === 'sotw') {
      const { versionInfo = '', nonce = '', resources = [] } = decode(`${messages}.DiscoveryResponse`, bytes) as DiscoveryResponse;
      return { version: versionInfo, nonce, resources: resources.map(nameOf), removed: [] };
    }
    const delta = decode(`${messages}.DeltaDiscoveryResponse`, bytes) as DeltaDiscoveryResponse;
    const { systemVersionInfo = '', nonce = '', resources = [], removedResources = [] } = delta;
    return { version: systemVersionInfo, nonce, resources: resources.map(({ name = '' }) => name), removed: removedResources };
  }
}

const nameOf = (resource: { readonly [field: string]: unknown }): string => {
  const { name, clusterName } = resource as { readonly name?: string; readonly clusterName?: string };
  return name ?? clusterName ?? '';
};
