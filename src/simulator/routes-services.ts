import { z } from 'zod';
import { ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { bodyAs } from './reply.ts';
import type { Answer, Call, Handler, Refusal, Route } from './reply.ts';
import { deviceBy } from './state-devices.ts';
import { approvalOf, putService, removeService, serviceBy, setApproval } from './state-services.ts';
import type { Device, Tailnet, VipService } from './state.ts';

const strings = z.array(z.string()).nullish();

/** A VIP service as a client writes it; Go sends absent lists as nothing or as null. */
export const serviceSchema = z.object({
  name: z.string().optional(),
  addrs: strings,
  comment: z.string().optional(),
  displayName: z.string().max(64).optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
  ports: strings,
  tags: strings,
});

/** A body as the whole of what service `name` shall be. */
export const wishFrom = ({ addrs, annotations, ports, tags, ...plain }: z.infer<typeof serviceSchema>, name: string) => ({
  ...plain,
  name: plain.name ?? name,
  addrs: addrs ?? [],
  annotations: annotations ?? undefined,
  ports: ports ?? undefined,
  tags: tags ?? undefined,
});

const onService =
  (handle: (tailnet: Tailnet, service: VipService, call: Call) => Result<Answer, Refusal>): Handler =>
  (tailnet, call) => {
    const service = serviceBy(tailnet, call.params['service'] ?? '');
    return service.ok ? handle(tailnet, service.value, call) : service;
  };

const onHost = (handle: (tailnet: Tailnet, service: VipService, device: Device, call: Call) => Result<Answer, Refusal>): Handler =>
  onService((tailnet, service, call) => {
    const device = deviceBy(tailnet, call.params['device'] ?? '');
    return device.ok ? handle(tailnet, service, device.value, call) : device;
  });

const put: Handler = (tailnet, { params, body, grant }) => {
  const name = params['service'] ?? '';
  const wish = bodyAs(serviceSchema, body);
  if (!wish.ok) return wish;
  const done = putService(tailnet, name, wishFrom(wish.value, name), grant.tags);
  return done.ok ? ok({ tailnet: done.value.tailnet, body: done.value.service }) : done;
};

const hosts = onService((tailnet, service) => {
  const offering = tailnet.devices.filter((device) => device.advertisedServices.includes(service.name));
  return ok({ body: { hosts: offering.map((device) => hostJson(tailnet, service, device)) } });
});

const hostJson = (tailnet: Tailnet, service: VipService, device: Device) => {
  const { approved, manual } = approvalOf(tailnet, service, device);
  return {
    stableNodeID: device.nodeId,
    approvalLevel: approved ? (manual ? 'approved:manual' : 'approved:auto') : 'not-approved',
    configured: 'ready',
  };
};

const approvalJson = (tailnet: Tailnet, service: VipService, device: Device) => {
  const { approved, autoApproved } = approvalOf(tailnet, service, device);
  return { approved, autoApproved };
};

const approve = onHost((tailnet, service, device, call) => {
  const body = bodyAs(z.object({ approved: z.boolean() }), call.body);
  if (!body.ok) return body;
  const after = setApproval(tailnet, service, device, body.value.approved);
  return ok({ tailnet: after, body: approvalJson(after, service, device) });
});

/** Two families of paths lead to the same services: `vip-services`, which Tailscale's clients use, and `services`, which its document names. */
export const serviceRoutes: readonly Route[] = ['vip-services', 'services'].flatMap((family): readonly Route[] => {
  const all = `/tailnet/:tailnet/${family}`;
  const one = `${all}/:service`;
  const approval = `${one}/device/:device/approved`;
  return [
    ['GET', all, ['services:read'], (tailnet) => ok({ body: { vipServices: tailnet.services } })],
    ['GET', one, ['services:read'], onService((_, service) => ok({ body: service }))],
    ['PUT', one, ['services'], put],
    ['DELETE', one, ['services'], onService((tailnet, service) => ok({ tailnet: removeService(tailnet, service) }))],
    ['GET', `${one}/devices`, ['services:read', 'devices:core:read'], hosts],
    ['GET', approval, ['services:read', 'devices:core:read'], onHost((...host) => ok({ body: approvalJson(host[0], host[1], host[2]) }))],
    ['POST', approval, ['services', 'devices:core'], approve],
  ];
});
