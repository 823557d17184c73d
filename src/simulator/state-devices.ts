import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { addressesOf, keyText, numericId, stableId } from './identity.ts';
import type { Refusal } from './reply.ts';
import { timeText } from './state.ts';
import type { AuthKey, Device, Tailnet } from './state.ts';

const keyLifeMs = 180 * 24 * 3600 * 1000;

/** What may be chosen about a machine that joins; everything else follows from the tailnet. */
export type Joining = Partial<Omit<Device, 'id' | 'nodeId' | 'created' | 'machineKey' | 'nodeKey'>> & { readonly hostname: string };

/** Tailscale's answer for a device that is not there, or belongs to someone else. */
export const noDevice: Refusal = { status: 404, message: 'no manageable device matching this ID found' };

/** The device by stable id or by decimal id. */
export const deviceBy = (tailnet: Tailnet, id: string): Result<Device, Refusal> => {
  const device = tailnet.devices.find((each) => each.nodeId === id || each.id === id);
  return device === undefined ? fail(noDevice) : ok(device);
};

/** The tailnet after a machine joined it, and the machine. A name that is taken gets `-1`, `-2`, … appended. */
export const join = (tailnet: Tailnet, joining: Joining, now: number): { readonly tailnet: Tailnet; readonly device: Device } => {
  const serial = tailnet.serial + 1;
  const devicesMade = tailnet.devicesMade + 1;
  const tagged = (joining.tags ?? []).length > 0;
  const device: Device = {
    name: freeName(tailnet, joining.hostname),
    addresses: addressesOf('device', devicesMade),
    user: tagged ? 'tagged-devices' : `user@${tailnet.name}`,
    tags: [],
    authorized: true,
    isExternal: false,
    isEphemeral: false,
    connectedToControl: true,
    expires: timeText(now + keyLifeMs),
    keyExpiryDisabled: tagged,
    clientVersion: '1.102.3',
    os: 'linux',
    updateAvailable: false,
    blocksIncomingConnections: false,
    advertisedRoutes: [],
    enabledRoutes: [],
    advertisedServices: [],
    ...joining,
    id: numericId(tailnet.seed, serial),
    nodeId: stableId(tailnet.seed, 'n', serial),
    created: timeText(now),
    machineKey: `mkey:${keyText(tailnet.seed, 'machine', serial)}`,
    nodeKey: `nodekey:${keyText(tailnet.seed, 'node', serial)}`,
  };
  return { tailnet: { ...tailnet, serial, devicesMade, devices: [...tailnet.devices, device] }, device };
};

/** Joins with an auth key: it decides tags, approval and whether the machine is ephemeral, and a single-use key is then spent. */
export const joinByKey = (tailnet: Tailnet, joining: Joining, secret: string, now: number): Result<ReturnType<typeof join>, Refusal> => {
  const key = tailnet.keys.find((each) => each.secret === secret);
  if (key === undefined) return fail({ status: 401, message: 'invalid key: unable to validate API key' });
  if (!isUsable(key, now)) return fail({ status: 401, message: 'invalid key: API key has been used, revoked or has expired' });
  const keys = tailnet.keys.map((each) => (each === key ? { ...key, uses: key.uses + 1 } : each));
  const approved = key.preauthorized || tailnet.settings['devicesApprovalOn'] !== true;
  return ok(join({ ...tailnet, keys }, { ...joining, tags: key.tags, authorized: approved, isEphemeral: key.ephemeral }, now));
};

/** Whether a machine may still join with a key. */
export const isUsable = (key: AuthKey, now: number): boolean =>
  key.revoked === undefined && Date.parse(key.expires) > now && (key.reusable || key.uses === 0);

/** The tailnet with some fields of one device replaced. Going offline leaves a `lastSeen`, coming back removes it. */
export const alter = (tailnet: Tailnet, device: Device, changes: Partial<Device>, now: number): Tailnet => {
  const { lastSeen, ...rest } = { ...device, ...changes };
  const altered = rest.connectedToControl ? rest : { ...rest, lastSeen: changes.lastSeen ?? lastSeen ?? timeText(now) };
  return { ...tailnet, devices: tailnet.devices.map((each) => (each.nodeId === device.nodeId ? altered : each)) };
};

/** The tailnet without a device, and without what was decided about it as a host. */
export const remove = (tailnet: Tailnet, device: Device): Tailnet => ({
  ...tailnet,
  devices: tailnet.devices.filter((each) => each.nodeId !== device.nodeId),
  approvals: tailnet.approvals.filter((approval) => approval.nodeId !== device.nodeId),
});

/** `label` as a MagicDNS name of the tailnet that nothing else has. `except` may keep the one it holds. */
export const freeName = (tailnet: Tailnet, label: string, except?: Device): string => {
  const suffix = `.${tailnet.domain}`;
  const base = (label.endsWith(suffix) ? label.slice(0, -suffix.length) : label).toLowerCase();
  const isTaken = (name: string): boolean =>
    tailnet.devices.some((each) => each.name === name && each !== except) ||
    tailnet.services.some((service) => `${service.name.slice('svc:'.length)}${suffix}` === name);
  let name = `${base}${suffix}`;
  for (let n = 1; isTaken(name); n += 1) name = `${base}-${n}${suffix}`;
  return name;
};
