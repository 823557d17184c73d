import { z } from 'zod';
import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { isTailnetIpv4 } from './identity.ts';
import { bodyAs, refuse } from './reply.ts';
import type { Answer, Call, Handler, Refusal, Route } from './reply.ts';
import { alter, deviceBy, freeName, noDevice, remove } from './state-devices.ts';
import { permittedTags } from './state-policy.ts';
import { timeText } from './state.ts';
import type { Device, Tailnet } from './state.ts';

/** A handler of a path with `:device` in it: 404 before anything else when there is no such device. */
const onDevice =
  (handle: (tailnet: Tailnet, device: Device, call: Call) => Result<Answer, Refusal>): Handler =>
  (tailnet, call) => {
    const device = deviceBy(tailnet, call.params['device'] ?? '');
    return device.ok ? handle(tailnet, device.value, call) : device;
  };

/** The same for a write, which a device shared in from elsewhere refuses as if it were not there. */
const onOwnDevice = (handle: Parameters<typeof onDevice>[0]): Handler =>
  onDevice((tailnet, device, call) => (device.isExternal ? fail(noDevice) : handle(tailnet, device, call)));

/** A handler that checks its body against a schema and replaces fields of the device; the answer is empty. */
const changing = <T>(
  schema: z.ZodType<T>,
  change: (body: T, tailnet: Tailnet, device: Device, call: Call) => Result<Partial<Device>, Refusal>,
): Handler =>
  onOwnDevice((tailnet, device, call) => {
    const body = bodyAs(schema, call.body);
    if (!body.ok) return body;
    const changes = change(body.value, tailnet, device, call);
    return changes.ok ? ok({ tailnet: alter(tailnet, device, changes.value, call.now) }) : changes;
  });

/** A device as the API shows it: untagged ones have no `tags`, and routes and connectivity are for `fields=all`. */
const deviceJson = (device: Device, fields: string | null): Record<string, unknown> => {
  const { advertisedRoutes, enabledRoutes, advertisedServices: _advertised, tags, ...plain } = device;
  const shown = { ...plain, ...(tags.length > 0 && { tags }), tailnetLockKey: '', tailnetLockError: '' };
  return fields === 'all'
    ? {
        ...shown,
        advertisedRoutes,
        enabledRoutes,
        clientConnectivity: { endpoints: [], latency: {}, clientSupports: {} },
        sshEnabled: false,
        distro: {},
      }
    : shown;
};

/** Every query parameter but `fields` must equal that property, or be an element of it; repeated ones must all. */
const matches = (shown: Record<string, unknown>, query: URLSearchParams): boolean =>
  [...query].every(([name, wanted]) => {
    if (name === 'fields') return true;
    const value = Object.hasOwn(shown, name) ? shown[name] : undefined;
    return Array.isArray(value) ? value.includes(wanted) : (typeof value === 'boolean' ? `${value}` : value) === wanted;
  });

const list: Handler = (tailnet, { query }) => {
  const shown = tailnet.devices.map((device) => deviceJson(device, query.get('fields')));
  return ok({ body: { devices: shown.filter((device) => matches(device, query)) } });
};

const setTags = changing(z.object({ tags: z.array(z.string()).nullable() }), ({ tags }, tailnet, _device, { grant }) => {
  const permitted = permittedTags(tailnet, grant.tags, tags ?? []);
  return permitted.ok ? ok({ tags: permitted.value, user: 'tagged-devices' }) : permitted;
});

/** A base name or a full one of this tailnet; none at all goes back to the host name, numbered if that is taken. */
const setName = changing(z.object({ name: z.string() }), ({ name }, tailnet, device) => {
  const suffix = `.${tailnet.domain}`;
  const given = name.toLowerCase();
  const label = given.endsWith(suffix) ? given.slice(0, -suffix.length) : given;
  if (label === '') return ok({ name: freeName(tailnet, device.hostname, device) });
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) return refuse(400, 'invalid machine name: must be a DNS label');
  const free = freeName(tailnet, label, device);
  return free.split('.')[0] === label ? ok({ name: free }) : refuse(409, 'machine name is already in use');
});

const setIp = changing(z.object({ ipv4: z.ipv4() }), ({ ipv4 }, tailnet, device) => {
  const taken = [
    ...tailnet.devices.filter((each) => each !== device).flatMap((each) => each.addresses),
    ...tailnet.services.flatMap((each) => each.addrs),
  ];
  if (!isTailnetIpv4(ipv4)) return refuse(400, 'IP address is not in the tailnet range 100.64.0.0/10');
  return taken.includes(ipv4) ? refuse(409, 'IP address is already in use') : ok({ addresses: [ipv4, ...device.addresses.slice(1)] });
});

const setRoutes: Handler = onOwnDevice((tailnet, device, call) => {
  const body = bodyAs(z.object({ routes: z.array(z.union([z.cidrv4(), z.cidrv6()])).nullable() }), call.body);
  if (!body.ok) return body;
  const routes = body.value.routes ?? [];
  return ok({
    tailnet: alter(tailnet, device, { enabledRoutes: routes }, call.now),
    body: { advertisedRoutes: device.advertisedRoutes, enabledRoutes: routes },
  });
});

export const deviceRoutes: readonly Route[] = [
  ['GET', '/tailnet/:tailnet/devices', ['devices:core:read'], list],
  [
    'GET',
    '/device/:device',
    ['devices:core:read'],
    onDevice((_, device, { query }) => ok({ body: deviceJson(device, query.get('fields')) })),
  ],
  ['DELETE', '/device/:device', ['devices:core'], onOwnDevice((tailnet, device) => ok({ tailnet: remove(tailnet, device) }))],
  ['POST', '/device/:device/tags', ['devices:core'], setTags],
  ['POST', '/device/:device/authorized', ['devices:core'], changing(z.object({ authorized: z.boolean() }), ok)],
  ['POST', '/device/:device/name', ['devices:core'], setName],
  ['POST', '/device/:device/ip', ['devices:core'], setIp],
  ['POST', '/device/:device/key', ['devices:core'], changing(z.object({ keyExpiryDisabled: z.boolean() }), ok)],
  [
    'POST',
    '/device/:device/expire',
    ['devices:core'],
    changing(z.unknown(), (_body, _tailnet, _device, { now }) => ok({ expires: timeText(now), keyExpiryDisabled: false })),
  ],
  [
    'GET',
    '/device/:device/routes',
    ['devices:routes:read'],
    onDevice((_, { advertisedRoutes, enabledRoutes }) => ok({ body: { advertisedRoutes, enabledRoutes } })),
  ],
  ['POST', '/device/:device/routes', ['devices:routes'], setRoutes],
];
