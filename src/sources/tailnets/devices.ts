import type { Device } from '../../api/observations.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { sameElements } from '../../lib/memo.ts';
import type { Device as Listed } from '../../tailscale/answers.ts';
import { addressesFrom, nameFrom, refuseTooMany } from './wire.ts';

/** A machine as the API tells of it, so far as we look at it. */
export type ListedDevice = Pick<
  Listed,
  | 'nodeId'
  | 'name'
  | 'hostname'
  | 'addresses'
  | 'tags'
  | 'user'
  | 'authorized'
  | 'isExternal'
  | 'connectedToControl'
  | 'keyExpiryDisabled'
  | 'expires'
  | 'lastSeen'
>;

/** The machines of a tailnet by stable node id, and when keys of theirs are yet to expire, in milliseconds since the epoch. */
export type Devices = {
  readonly devices: ReadonlyMap<string, Device>;
  readonly suffix: string | undefined;
  readonly expiries: ReadonlyMap<string, number>;
};

/**
 * What a list of machines says at `now`. Machines that did not change since `previous` are the same objects, and if none did, the map is the same.
 * Throws `SenselessAnswer` for a list that no tailnet can have.
 */
export const devicesFrom = (list: readonly ListedDevice[], previous: ReadonlyMap<string, Device>, now: number): Devices => {
  refuseTooMany('machines', list.length);
  const devices = new Map<string, Device>();
  const votes = new Map<string, number>();
  const expiries = new Map<string, number>();
  let unchanged = 0;
  let suffix = '';
  for (const listed of list) {
    if (devices.has(listed.nodeId)) continue;
    const former = previous.get(listed.nodeId);
    const expiry = expiryOf(listed);
    const device = deviceFrom(listed, expiry <= now, former);
    if (device === former) unchanged += 1;
    devices.set(device.id, device);
    if (expiry > now && expiry < Infinity) expiries.set(device.id, expiry);
    if (listed.isExternal) continue;
    suffix = suffixOf(device.fqdn, suffix);
    votes.set(suffix, (votes.get(suffix) ?? 0) + 1);
  }
  const same = unchanged === devices.size && unchanged === previous.size;
  return { devices: same ? previous : devices, suffix: mostVoted(votes), expiries };
};

/** What follows the first dot: `likely` itself where it is that, so that thousands of machines do not make thousands of strings. */
const suffixOf = (fqdn: string, likely: string): string => {
  const from = fqdn.indexOf('.') + 1;
  if (from === 0) return '';
  return fqdn.length - from === likely.length && fqdn.endsWith(likely) ? likely : fqdn.slice(from);
};

const fqdnFrom = (name: string): string => {
  const lower = nameFrom('machine', name).toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
};

/** Milliseconds since the epoch; Infinity where the key never expires. */
const expiryOf = ({ keyExpiryDisabled, expires }: ListedDevice): number => {
  if (keyExpiryDisabled || expires === '') return Infinity;
  const at = Date.parse(expires);
  // Go's zero time, which lies long before 1970, says "never".
  return at > 0 ? at : Infinity;
};

/** What is as it was has been checked before: most of a list, most of the time. */
const deviceFrom = (listed: ListedDevice, expired: boolean, former: Device | undefined): Device => {
  if (former !== undefined && isStill(former, listed, expired)) return former;
  const { nodeId: id, tags, connectedToControl: connected, authorized, lastSeen } = listed;
  const device: Device = {
    id,
    fqdn: fqdnFrom(listed.name),
    hostname: hostnameFrom(listed.hostname),
    addresses: sameElements(former?.addresses, addressesFrom(listed.addresses)),
    tags: sameElements(former?.tags, tags.toSorted(byCodeUnit)),
    user: tags.length > 0 ? '' : listed.user,
    ...(listed.isExternal && { external: true as const }),
    usable: connected && authorized && !expired,
    connected,
    authorized,
    expired,
    ...(!connected && lastSeen !== '' && { lastSeen }),
  };
  return former !== undefined && isSame(former, device) ? former : device;
};

/** Whether a machine is told of in the very words of before. */
const isStill = (former: Device, listed: ListedDevice, expired: boolean): boolean =>
  listed.name === former.fqdn &&
  listed.hostname === former.hostname &&
  listed.connectedToControl === former.connected &&
  listed.authorized === former.authorized &&
  expired === former.expired &&
  (listed.tags.length > 0 ? '' : listed.user) === former.user &&
  listed.isExternal === (former.external ?? false) &&
  isSameList(listed.addresses, former.addresses) &&
  isSameList(listed.tags, former.tags);

const isSameList = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((text, index) => text === other[index]);

/** The machine's own word, and so whatever its owner likes: shown, never used as an address. What cannot be shown is left out. */
const hostnameFrom = (text: string): string => text.slice(0, 253).replace(unshowable, '');

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unshowable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** But for `lastSeen`, which moves while nothing else does; lists are the same objects where they are equal. */
const isSame = (one: Device, other: Device): boolean =>
  one.fqdn === other.fqdn &&
  one.hostname === other.hostname &&
  one.addresses === other.addresses &&
  one.tags === other.tags &&
  one.user === other.user &&
  one.external === other.external &&
  one.connected === other.connected &&
  one.authorized === other.authorized &&
  one.expired === other.expired;

/** Machines that are shared in carry the name of another tailnet, which the API may not always say; so the majority decides. */
const mostVoted = (votes: ReadonlyMap<string, number>): string | undefined => {
  const ranked = [...votes].toSorted(([a, some], [b, others]) => others - some || byCodeUnit(a, b));
  return ranked.find(([suffix]) => suffix !== '')?.[0];
};

/** The machines with those marked whose keys have expired by `now`, for when no answer tells; the same map where there are none. */
export const expireBy = ({ devices, expiries }: Pick<Devices, 'devices' | 'expiries'>, now: number): ReadonlyMap<string, Device> => {
  const expired = new Map<string, Device>();
  for (const [id, at] of expiries) {
    const device = devices.get(id);
    if (at <= now && device?.expired === false) expired.set(id, { ...device, expired: true, usable: false });
  }
  return expired.size === 0 ? devices : new Map([...devices].map(([id, device]) => [id, expired.get(id) ?? device]));
};
