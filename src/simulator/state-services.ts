import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { addressesOf, isTailnetIpv4 } from './identity.ts';
import type { Refusal } from './reply.ts';
import { refuse } from './reply.ts';
import { isAutoApproved, permittedTags } from './state-policy.ts';
import type { Device, Tailnet, VipService } from './state.ts';

/** What a PUT says about a service; all of it replaces what was there. */
export type ServiceWish = Omit<VipService, 'addrs'> & { readonly addrs: readonly string[] };

const namePattern = /^svc:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const portPattern = /^tcp:(\d{1,5})(?:-(\d{1,5}))?$/;

/** The service by its full name, `svc:…`. A machine's name is refused rather than not found, as control does it. */
export const serviceBy = (tailnet: Tailnet, name: string): Result<VipService, Refusal> => {
  const service = tailnet.services.find((each) => each.name === name);
  if (service !== undefined) return ok(service);
  return isMachineName(tailnet, name)
    ? refuse(400, `${name} is the name of a machine`)
    : fail({ status: 404, message: 'service not found' });
};

/**
 * The tailnet with service `name` created or replaced as a whole, and the service. A different name in the wish renames an existing one.
 * Addresses are given at creation (one IPv4 may be asked for); an update sends both back, and may change the IPv4 but not the IPv6.
 * `ownTags` are those of the caller, undefined for the simulation's own hand, which may use any tag.
 */
export const putService = (
  tailnet: Tailnet,
  name: string,
  wish: ServiceWish,
  ownTags: readonly string[] | undefined,
): Result<{ readonly tailnet: Tailnet; readonly service: VipService }, Refusal> => {
  const before = tailnet.services.find((each) => each.name === name);
  const problem = nameProblem(tailnet, name, wish.name, before) ?? portProblem(wish.ports ?? []);
  if (problem !== undefined) return refuse(400, problem);
  if (ownTags !== undefined && wish.tags !== undefined && wish.tags.length > 0) {
    const permitted = permittedTags(tailnet, ownTags, wish.tags);
    if (!permitted.ok) return permitted;
  }
  const servicesMade = tailnet.servicesMade + (before === undefined ? 1 : 0);
  const addrs = before === undefined ? firstAddresses(tailnet, servicesMade, wish.addrs) : nextAddresses(tailnet, before, wish.addrs);
  if (!addrs.ok) return addrs;
  const service: VipService = { ...wish, addrs: addrs.value };
  const services =
    before === undefined ? [...tailnet.services, service] : tailnet.services.map((each) => (each === before ? service : each));
  const approvals = tailnet.approvals.map((approval) => (approval.service === name ? { ...approval, service: service.name } : approval));
  return ok({ tailnet: { ...tailnet, servicesMade, services, approvals }, service });
};

export const removeService = (tailnet: Tailnet, service: VipService): Tailnet => ({
  ...tailnet,
  services: tailnet.services.filter((each) => each !== service),
  approvals: tailnet.approvals.filter((approval) => approval.service !== service.name),
});

/** Whether a device may host a service: an admin's word if there is one, else the policy's. */
export const approvalOf = (
  tailnet: Tailnet,
  service: VipService,
  device: Device,
): { readonly approved: boolean; readonly autoApproved: boolean; readonly manual: boolean } => {
  const word = tailnet.approvals.find((each) => each.service === service.name && each.nodeId === device.nodeId);
  const autoApproved = isAutoApproved(tailnet.policy, service, device.tags);
  return { approved: word?.approved ?? autoApproved, autoApproved, manual: word !== undefined };
};

export const setApproval = (tailnet: Tailnet, service: VipService, device: Device, approved: boolean): Tailnet => {
  const others = tailnet.approvals.filter((each) => each.service !== service.name || each.nodeId !== device.nodeId);
  return { ...tailnet, approvals: [...others, { service: service.name, nodeId: device.nodeId, approved }] };
};

const isMachineName = (tailnet: Tailnet, name: string): boolean =>
  tailnet.devices.some((device) => !device.isExternal && device.name === `${name.replace(/^svc:/, '')}.${tailnet.domain}`);

const nameProblem = (tailnet: Tailnet, name: string, wanted: string, before: VipService | undefined): string | undefined => {
  if (!namePattern.test(wanted)) return 'invalid service name: must be "svc:" and a DNS label';
  if (wanted === before?.name) return undefined;
  if (before === undefined && wanted !== name) return 'service name in body does not match the path';
  if (isMachineName(tailnet, wanted)) return `${wanted} is the name of a machine`;
  return tailnet.services.some((each) => each.name === wanted) ? `${wanted} is the name of another service` : undefined;
};

const portProblem = (ports: readonly string[]): string | undefined => {
  if (ports.length === 1 && ports[0] === 'do-not-validate') return undefined;
  const wrong = ports.find((port) => {
    const [, first, last = first] = portPattern.exec(port) ?? [];
    return first === undefined || Number(first) < 1 || Number(last) < Number(first) || Number(last) > 65_535;
  });
  return wrong === undefined
    ? undefined
    : `invalid port ${JSON.stringify(wrong)}: must be like "tcp:443", "tcp:80-90" or only "do-not-validate"`;
};

const ipv4Problem = (tailnet: Tailnet, ipv4: string): string | undefined => {
  if (!isTailnetIpv4(ipv4)) return 'the IPv4 address is not in the tailnet range 100.64.0.0/10';
  const taken = [...tailnet.devices.flatMap((each) => each.addresses), ...tailnet.services.flatMap((each) => each.addrs)].includes(ipv4);
  return taken ? 'the IPv4 address is already in use' : undefined;
};

const firstAddresses = (tailnet: Tailnet, n: number, wanted: readonly string[]): Result<readonly string[], Refusal> => {
  const [ipv4, ipv6] = addressesOf('service', n);
  if (wanted.length > 1) return refuse(400, 'a new service may ask for one IPv4 address');
  const problem = wanted[0] === undefined ? undefined : ipv4Problem(tailnet, wanted[0]);
  return problem === undefined ? ok([wanted[0] ?? ipv4, ipv6]) : refuse(400, problem);
};

/** The API's document calls an update without addresses an error; Tailscale's own client is content when they stay, so they stay. */
const nextAddresses = (tailnet: Tailnet, { addrs }: VipService, wanted: readonly string[]): Result<readonly string[], Refusal> => {
  const [ipv4, ipv6] = wanted;
  if (ipv4 === undefined) return ok(addrs);
  if (ipv6 !== addrs[1] || wanted.length !== 2) return refuse(400, 'an update must carry both addresses, the IPv6 one unchanged');
  const problem = ipv4 === addrs[0] ? undefined : ipv4Problem(tailnet, ipv4);
  return problem === undefined ? ok(wanted) : refuse(400, problem);
};
