import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstOf, start } from '../../test/support/simulated-call.ts';
import { initialWorld } from './initial.ts';
import { join } from './state-devices.ts';
import { approvalOf, putService, removeService, serviceBy, setApproval } from './state-services.ts';
import type { ServiceWish } from './state-services.ts';
import type { Tailnet, VipService } from './state.ts';

const tailnet = firstOf(initialWorld('test', start));
const operator = ['tag:k8s-operator'];
const web: ServiceWish = { name: 'svc:web', addrs: [], ports: ['tcp:443'] };

const put = (on: Tailnet, name: string, wish: ServiceWish): { readonly tailnet: Tailnet; readonly service: VipService } => {
  const done = putService(on, name, wish, operator);
  if (!done.ok) throw new Error(done.problem.message);
  return done.value;
};
const refusal = (on: Tailnet, name: string, wish: ServiceWish): string => {
  const done = putService(on, name, wish, operator);
  return done.ok ? '' : done.problem.message;
};

describe('putService', () => {
  it('gives a new service one address of each family, unlike any other', () => {
    const first = put(tailnet, 'svc:web', web);
    const second = put(first.tailnet, 'svc:db', { ...web, name: 'svc:db' });
    expect(first.service.addrs).toEqual(['100.110.0.1', 'fd7a:115c:a1e0::f:1']);
    expect(second.service.addrs).toEqual(['100.110.0.2', 'fd7a:115c:a1e0::f:2']);
  });

  it('grants the IPv4 that a new service asks for, if it is free and of the tailnet range', () => {
    expect(put(tailnet, 'svc:web', { ...web, addrs: ['100.99.0.7'] }).service.addrs[0]).toBe('100.99.0.7');
    expect(refusal(tailnet, 'svc:web', { ...web, addrs: ['192.0.2.1'] })).toContain('range');
    expect(refusal(tailnet, 'svc:web', { ...web, addrs: ['100.64.0.1'] })).toContain('in use');
    expect(refusal(tailnet, 'svc:web', { ...web, addrs: ['100.99.0.7', 'fd7a:115c:a1e0::9'] })).toContain('one IPv4');
  });

  it('keeps the addresses of an update that leaves them out or sends them back', () => {
    const before = put(tailnet, 'svc:web', web);
    for (const addrs of [[], before.service.addrs]) {
      expect(put(before.tailnet, 'svc:web', { ...web, addrs }).service.addrs).toEqual(before.service.addrs);
    }
  });

  it('lets an update change the IPv4 but not the IPv6', () => {
    const { tailnet: before, service } = put(tailnet, 'svc:web', web);
    const [ipv4 = '', ipv6 = ''] = service.addrs;
    expect(put(before, 'svc:web', { ...web, addrs: ['100.99.0.7', ipv6] }).service.addrs).toEqual(['100.99.0.7', ipv6]);
    expect(refusal(before, 'svc:web', { ...web, addrs: [ipv4, 'fd7a:115c:a1e0::9'] })).toContain('IPv6');
    expect(refusal(before, 'svc:web', { ...web, addrs: [ipv4] })).toContain('both addresses');
    expect(refusal(before, 'svc:web', { ...web, addrs: [ipv4, ipv6, ipv4] })).toContain('both addresses');
    expect(refusal(before, 'svc:web', { ...web, addrs: ['100.64.0.1', ipv6] })).toContain('in use');
  });

  it('replaces all of a service, annotations too', () => {
    const before = put(tailnet, 'svc:web', { ...web, comment: 'old', annotations: { a: '1' } });
    expect(put(before.tailnet, 'svc:web', web).service).toEqual({ ...web, addrs: before.service.addrs });
  });

  it('renames an existing service that is given another name, and its approvals with it', () => {
    const { tailnet: before, service } = put(tailnet, 'svc:web', web);
    const [demo] = before.devices;
    const approved = demo === undefined ? before : setApproval(before, service, demo, true);
    const after = put(approved, 'svc:web', { ...web, name: 'svc:site' }).tailnet;
    expect(after.services.map(({ name }) => name)).toEqual(['svc:site']);
    expect(after.approvals).toMatchObject([{ service: 'svc:site' }]);
  });

  it('refuses a name that is malformed, taken, a machine’s, or unlike the path of a new service', () => {
    const { tailnet: before } = put(put(tailnet, 'svc:web', web).tailnet, 'svc:db', { ...web, name: 'svc:db' });
    expect(refusal(tailnet, 'no-prefix', { ...web, name: 'no-prefix' })).toContain('invalid service name');
    expect(refusal(tailnet, 'svc:A_b', { ...web, name: 'svc:A_b' })).toContain('invalid service name');
    expect(refusal(before, 'svc:web', { ...web, name: 'svc:db' })).toContain('another service');
    expect(refusal(tailnet, 'svc:demo', { ...web, name: 'svc:demo' })).toContain('machine');
    expect(refusal(tailnet, 'svc:web', { ...web, name: 'svc:site' })).toContain('does not match');
  });

  it.each([[['tcp:443', 'tcp:80-90']], [['do-not-validate']], [[]], [['tcp:1-65535']]])('accepts ports %j', (ports) => {
    expect(refusal(tailnet, 'svc:web', { ...web, ports })).toBe('');
  });

  it.each([[['udp:53']], [['443']], [['tcp:0']], [['tcp:65536']], [['tcp:90-80']], [['tcp:443', 'do-not-validate']]])(
    'refuses ports %j',
    (ports) => {
      expect(refusal(tailnet, 'svc:web', { ...web, ports })).toContain('invalid port');
    },
  );

  it('refuses tags that the caller may not hand out, and leaves the simulation’s own hand free', () => {
    const tagged = { ...web, tags: ['tag:ghost'] };
    expect(refusal(tailnet, 'svc:web', tagged)).toContain('tag:ghost');
    expect(putService(tailnet, 'svc:web', tagged, undefined).ok).toBe(true);
  });

  it('writing back what was read changes nothing', () => {
    const names = fc.constantFrom('svc:a', 'svc:b');
    const ports = fc.uniqueArray(fc.constantFrom('tcp:80', 'tcp:443', 'tcp:1-9'));
    fc.assert(
      fc.property(names, ports, fc.dictionary(fc.string(), fc.string()), (name, ports, annotations) => {
        const first = put(tailnet, name, { name, addrs: [], ports, annotations });
        expect(put(first.tailnet, name, first.service).tailnet).toEqual(first.tailnet);
      }),
    );
  });
});

describe('serviceBy', () => {
  it('tells a service that is not there from one whose name a machine has', () => {
    expect(serviceBy(tailnet, 'svc:web')).toMatchObject({ ok: false, problem: { status: 404 } });
    expect(serviceBy(tailnet, 'svc:demo')).toMatchObject({ ok: false, problem: { status: 400 } });
  });
});

describe('approvalOf', () => {
  const { tailnet: before, service } = put(tailnet, 'svc:web', { ...web, tags: ['tag:k8s'] });
  const tagged = join(before, { hostname: 'proxy', tags: ['tag:k8s'] }, start).device;
  const plain = join(before, { hostname: 'laptop' }, start).device;

  it('follows the policy until an admin has spoken', () => {
    expect(approvalOf(before, service, tagged)).toEqual({ approved: true, autoApproved: true, manual: false });
    expect(approvalOf(before, service, plain)).toEqual({ approved: false, autoApproved: false, manual: false });
  });

  it('follows the admin’s last word afterwards, until the service is gone', () => {
    const refused = setApproval(setApproval(before, service, tagged, true), service, tagged, false);
    expect(approvalOf(refused, service, tagged)).toEqual({ approved: false, autoApproved: true, manual: true });
    expect(approvalOf(setApproval(before, service, plain, true), service, plain)).toMatchObject({ approved: true, manual: true });
    expect(removeService(refused, service).approvals).toEqual([]);
  });
});
