import type { Device } from '../../api/observations.ts';
import { readyProxies } from '../../model/tailnets/carriers.ts';
import type { Found, Selection, Source } from './machines.ts';
import type { World } from './world.ts';

/** Who a machine is, and whether it is there. */
export const machineText = ({ name, device, machine }: Found, { tailnet }: Source, world: World): string => {
  if (device !== undefined) return deviceText(device);
  if (machine?.problem !== undefined) return machine.problem;
  if (machine?.external !== undefined || tailnet === undefined) return 'outside of tailnets';
  // Without a place, what is no machine of a TailscaleEndpoints has nothing it is known by.
  if (name === '') return `one of spec.backends, vipService or serviceDiscovery, in tailnet "${tailnet}"`;
  if (!world.asked) return 'not looked up: tailnets are not asked here';
  if (world.read('tailnetStandings', tailnet)?.heard !== true) return `not looked up: tailnet "${tailnet}" has not been heard of yet`;
  if (machine === undefined || machine.known) return 'no device but a Tailscale Service';
  return `not known to tailnet "${tailnet}", and used as it is written, since it may be shared in`;
};

const deviceText = (device: Device): string =>
  [device.fqdn, device.addresses[0] ?? 'without address', stateText(device), ...(device.connected ? [] : seenText(device))].join(', ');

/** Whether a machine is there, and why it is not, with what helps. */
export const stateText = ({ connected, authorized, expired }: Device): string => {
  if (expired) return 'its key has expired: log it in again, or disable key expiry';
  if (!authorized) return 'not authorized: approve it in the admin console';
  return connected ? 'online' : 'offline';
};

const seenText = ({ lastSeen }: Device): readonly string[] => (lastSeen === undefined ? [] : [`last seen ${lastSeen}`]);

/** Why no endpoint is made of it. */
export const nowhereText = ({ weight, places, machine }: Found, { path: { carrier } }: Source, { read }: World): string => {
  if (weight === 0) return 'gets nothing: its weight is 0';
  if (places.length > 0) return 'reached at endpoints above';
  const isDirect = carrier.mode === 'direct';
  if (!isDirect && readyProxies(carrier.set, read).length === 0) return `reached nowhere: no proxy of ${carrier.set} is ready`;
  const hasAddress = machine?.target.ip !== undefined || (machine?.target.name !== undefined && !isDirect);
  if (isDirect || !hasAddress) return 'reached nowhere: it has no address; check the name, or write tailscaleIP';
  return `reached nowhere: no ready proxy of ${carrier.set} says yet that it forwards there`;
};

/** What machines are to have. */
export const selectionText = ({ tags = [], patterns = [], excludePatterns = [] }: Selection): string => {
  const parts = [
    ...tags,
    ...(patterns.length === 0 ? [] : [`a name like ${patterns.join(' or ')}`]),
    ...(excludePatterns.length === 0 ? [] : [`no name like ${excludePatterns.join(' or ')}`]),
  ];
  return parts.length === 0 ? 'any name' : parts.join(', ');
};
