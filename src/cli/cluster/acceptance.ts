import type { AdsEvent, ClientStatus } from '../../../xds/ads/events.ts';
import { LDS } from '../../../xds/ads/types.ts';

/** Gateways of which some Envoy, connected here, has accepted its configuration at least once. */
export class Acceptance {
  readonly #gateways = new Set<string>();

  has(gateway: string): boolean {
    return this.#gateways.has(gateway);
  }

  /** Whether an event makes one more: an Envoy has taken its listeners, and with them everything it asked for before. */
  heard(event: AdsEvent, clients: () => readonly ClientStatus[]): boolean {
    if (event.kind !== 'ack' || this.#gateways.has(event.group)) return false;
    const accepted = clients().some(
      ({ group, types }) =>
        group === event.group &&
        types.some(({ typeUrl, version }) => typeUrl === LDS && version !== '') &&
        types.every(({ acknowledged }) => acknowledged),
    );
    if (accepted) this.#gateways.add(event.group);
    return accepted;
  }
}
