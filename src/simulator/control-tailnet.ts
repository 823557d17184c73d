import { z } from 'zod';
import { ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { bodyAs, refuse } from './reply.ts';
import type { Refusal } from './reply.ts';
import { serviceSchema, wishFrom } from './routes-services.ts';
import type { ControlRoute, Done, Order, Simulation } from './simulation.ts';
import { alter, deviceBy, join, joinByKey, noDevice, remove } from './state-devices.ts';
import { putService, removeService, serviceBy } from './state-services.ts';
import { withTailnet } from './state.ts';
import type { Device, Tailnet } from './state.ts';

const strings = z.array(z.string());

/** What a hand in the simulation may set on a device. Addresses are not confined to the tailnet range, so a device may stand for a local program. */
const deviceSchema = z
  .strictObject({
    hostname: z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/, 'must be a DNS label'),
    name: z.string().regex(/^[^.]+\../, 'must be a full MagicDNS name'),
    addresses: z.array(z.union([z.ipv4(), z.ipv6()])).min(1),
    user: z.string(),
    tags: strings,
    online: z.boolean(),
    lastSeen: z.iso.datetime(),
    authorized: z.boolean(),
    isExternal: z.boolean(),
    isEphemeral: z.boolean(),
    expires: z.iso.datetime(),
    keyExpiryDisabled: z.boolean(),
    clientVersion: z.string(),
    os: z.string(),
    updateAvailable: z.boolean(),
    blocksIncomingConnections: z.boolean(),
    advertisedRoutes: strings,
    enabledRoutes: strings,
    advertisedServices: strings,
  })
  .partial();

/** `nodeId` for a machine that somebody else gave its id, as when a real coordination server stands beside the simulator. */
const joiningSchema = deviceSchema.extend({
  hostname: deviceSchema.shape.hostname.unwrap(),
  authKey: z.string().optional(),
  nodeId: z.string().min(1).optional(),
});

/** Fields as a device has them; those not given stay away, so that they replace nothing. */
const fieldsFrom = ({ online, ...fields }: z.infer<typeof deviceSchema>): Partial<Device> => {
  const all = { ...fields, ...(online !== undefined && { connectedToControl: online }) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
};

/** The tailnet that `?tailnet=` names, the first one without it; what is done to it becomes part of the simulation. */
const onTailnet =
  (handle: (tailnet: Tailnet, order: Order) => Result<{ readonly tailnet: Tailnet; readonly body?: unknown }, Refusal>) =>
  (simulation: Simulation, order: Order): Done => {
    const named = order.query.get('tailnet');
    const tailnet = simulation.world.tailnets.find((each) => named === null || each.name === named || each.id === named);
    if (tailnet === undefined) return refuse(404, 'tailnet not found');
    const done = handle(tailnet, order);
    if (!done.ok) return done;
    const { tailnet: after, ...answer } = done.value;
    return ok({ ...answer, simulation: { ...simulation, world: withTailnet(simulation.world, after) } });
  };

/** A handler for the device that a path names by id, host name or MagicDNS name. */
const onDevice = (
  handle: (tailnet: Tailnet, device: Device, order: Order) => Result<{ readonly tailnet: Tailnet; readonly body?: unknown }, Refusal>,
) =>
  onTailnet((tailnet, order) => {
    const id = order.params['device'] ?? '';
    const byId = deviceBy(tailnet, id);
    const device = byId.ok
      ? byId.value
      : tailnet.devices.find((each) => each.name === id || each.name.split('.')[0] === id || each.hostname === id);
    return device === undefined ? refuse(noDevice.status, noDevice.message) : handle(tailnet, device, order);
  });

const addDevice = onTailnet((tailnet, { body, now }) => {
  const wish = bodyAs(joiningSchema, body);
  if (!wish.ok) return wish;
  const { authKey, hostname, nodeId, ...fields } = wish.value;
  if (nodeId !== undefined && deviceBy(tailnet, nodeId).ok) return refuse(409, 'node id exists already');
  const joining = { ...fieldsFrom(fields), hostname };
  const joined = authKey === undefined ? ok(join(tailnet, joining, now)) : joinByKey(tailnet, joining, authKey, now);
  if (!joined.ok) return joined;
  const { device } = joined.value;
  const known = nodeId === undefined ? device : { ...device, nodeId };
  const devices = joined.value.tailnet.devices.map((each) => (each === device ? known : each));
  return ok({ tailnet: { ...joined.value.tailnet, devices }, body: known });
});

const alterDevice = onDevice((tailnet, device, { body, now }) => {
  const changes = bodyAs(deviceSchema, body);
  if (!changes.ok) return changes;
  const after = alter(tailnet, device, fieldsFrom(changes.value), now);
  return ok({ tailnet: after, body: after.devices.find((each) => each.nodeId === device.nodeId) });
});

const addService = onTailnet((tailnet, { body }) => {
  const wish = bodyAs(serviceSchema.required({ name: true }), body);
  if (!wish.ok) return wish;
  const { name } = wish.value;
  const done = putService(tailnet, name, wishFrom(wish.value, name), undefined);
  return done.ok ? ok({ tailnet: done.value.tailnet, body: done.value.service }) : done;
});

const dropService = onTailnet((tailnet, { params }) => {
  const service = serviceBy(tailnet, params['service'] ?? '');
  return service.ok ? ok({ tailnet: removeService(tailnet, service.value) }) : service;
});

const credentialSchema = z
  .strictObject({ id: z.string().min(1), secret: z.string().min(1).optional(), audience: z.string().min(1).optional() })
  .extend({ scopes: strings.default(['all']), tags: strings.default([]) })
  .refine(({ secret, audience }) => (secret === undefined) !== (audience === undefined), 'exactly one of secret and audience is needed');

/** Adds a credential, or replaces the one by that id; tokens it has been granted keep their scopes. */
const addCredential = onTailnet((tailnet, { body }) => {
  const wish = bodyAs(credentialSchema, body);
  if (!wish.ok) return wish;
  const { id, secret, audience, scopes, tags } = wish.value;
  const credential = { id, scopes, tags, ...(secret !== undefined && { secret }), ...(audience !== undefined && { audience }) };
  return ok({ tailnet: { ...tailnet, credentials: [...tailnet.credentials.filter((each) => each.id !== id), credential] } });
});

const dropCredential = onTailnet((tailnet, { params }) => {
  const credentials = tailnet.credentials.filter((each) => each.id !== params['credential']);
  return credentials.length < tailnet.credentials.length
    ? ok({ tailnet: { ...tailnet, credentials } })
    : refuse(404, 'credential not found');
});

const userSchema = z.strictObject({ loginName: z.string().min(1), displayName: z.string() });

/** Gives somebody a name, or another one. */
const nameUser = onTailnet((tailnet, { body }) => {
  const wish = bodyAs(userSchema, body);
  if (!wish.ok) return wish;
  const others = (tailnet.users ?? []).filter(({ loginName }) => loginName !== wish.value.loginName);
  return ok({ tailnet: { ...tailnet, users: [...others, wish.value] } });
});

export const tailnetRoutes: readonly ControlRoute[] = [
  ['POST', '/simulator/devices', addDevice],
  ['PATCH', '/simulator/devices/:device', alterDevice],
  ['DELETE', '/simulator/devices/:device', onDevice((tailnet, device) => ok({ tailnet: remove(tailnet, device) }))],
  ['POST', '/simulator/services', addService],
  ['DELETE', '/simulator/services/:service', dropService],
  ['POST', '/simulator/users', nameUser],
  ['POST', '/simulator/credentials', addCredential],
  ['DELETE', '/simulator/credentials/:credential', dropCredential],
];
