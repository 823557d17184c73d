/** What is done to a tailnet on behalf of proxies. */
import { fingerprint } from '../../src/lib/fingerprint.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { TailscaleClient } from '../../src/tailscale/client.ts';
import { TailnetError } from './failure.ts';

export type TailnetApi = Pick<TailscaleClient, 'createAuthKey' | 'keys' | 'deleteKey' | 'deleteDevice' | 'setDeviceTags'>;

/** A set as keys are marked with it: by its owner's uid, so that neither another cluster nor an owner to come has the same. */
export type Marked = { readonly uid: string; readonly namespace: string; readonly name: string };

/** Description of the auth key of one replica. At most 50 letters, digits, hyphens and spaces, which is what the API takes. */
export const keyDescription = (set: Marked, ordinal: number): string => {
  const place = `-${ordinal}`;
  return `tailplane ${set.name.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 27 - place.length)}${place} ${markOf(set)}`;
};

const markOf = ({ uid, namespace, name }: Marked): string => fingerprint(`${uid}/${namespace}/${name}`);

/** Asks the API of one tailnet for a set, and says of what fails for whom that was. */
export class TailnetCalls {
  readonly #api: TailnetApi;
  readonly #tailnet: string;
  readonly #about: Partial<Pick<ProxySet, 'tags'>>;

  constructor(api: TailnetApi, tailnet: string, about: Partial<Pick<ProxySet, 'tags'>>) {
    this.#api = api;
    this.#tailnet = tailnet;
    this.#about = about;
  }

  /**
   * A key that lets one device in, once. Whatever key was made for this replica before and is still good is revoked first: nobody has it, since
   * we would not ask otherwise. So keys that were made just before a crash are not left lying about.
   */
  async mint(set: ProxySet & Marked, ordinal: number): Promise<{ readonly id: string; readonly key: string }> {
    const description = keyDescription(set, ordinal);
    await this.#revoke((other) => other === description);
    return this.#call(() => this.#api.createAuthKey({ tags: set.tags, description }));
  }

  /** Revokes every key of these replicas that could still let a device in. */
  revokeAll(set: Marked, ordinals: readonly number[]): Promise<void> {
    const meant = new Set(ordinals.map((ordinal) => keyDescription(set, ordinal)));
    return this.#revoke((description) => meant.has(description));
  }

  /** Devices that are not there, or are another tailnet's by now, count as deleted. */
  async deleteDevices(ids: readonly string[]): Promise<void> {
    for (const id of ids)
      await this.#call(async () => {
        try {
          await this.#api.deleteDevice(id);
        } catch (error) {
          if (!(error instanceof TailscaleApiError) || error.status !== 501) throw error;
        }
      });
  }

  async retag(ids: readonly string[], tags: readonly string[]): Promise<void> {
    for (const id of ids) await this.#call(() => this.#api.setDeviceTags(id, tags));
  }

  async #revoke(isMeant: (description: string) => boolean): Promise<void> {
    const keys = await this.#call(() => this.#api.keys());
    for (const { id, invalid, description } of keys) if (!invalid && isMeant(description)) await this.#call(() => this.#api.deleteKey(id));
  }

  async #call<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw error instanceof TailscaleApiError ? new TailnetError(error, this.#tailnet, this.#about) : error;
    }
  }
}
