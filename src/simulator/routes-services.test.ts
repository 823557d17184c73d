import { describe, expect, it } from 'vitest';
import { callerOf, firstOf, start } from '../../test/support/simulated-call.ts';
import { join } from './state-devices.ts';

const web = { name: 'svc:web', ports: ['tcp:443'], tags: ['tag:k8s'], annotations: { owner: '{"a":1}' } };

/** A caller whose tailnet has service `svc:web`, offered by `demo` (which the policy approves) and `laptop` (which it does not). */
const withHosts = () => {
  const caller = callerOf();
  caller.call('PUT', '/tailnet/-/vip-services/svc:web', web);
  caller.arrange((before) => {
    const devices = before.devices.map((device) => ({ ...device, advertisedServices: ['svc:web'] }));
    return join({ ...before, devices }, { hostname: 'laptop', advertisedServices: ['svc:web'] }, start).tailnet;
  });
  const [demo = '', laptop = ''] = firstOf(caller.world()).devices.map(({ nodeId }) => nodeId);
  return { ...caller, demo, laptop };
};

const approvalPath = (id: string): string => `/tailnet/-/services/svc:web/device/${id}/approved`;

describe('a service', () => {
  it.each(['vip-services', 'services'])('is the same by either family of paths (%s)', (family) => {
    const { call } = withHosts();
    expect(call('GET', `/tailnet/-/${family}/svc:web`).body).toMatchObject(web);
    expect(call('GET', `/tailnet/-/${family}/svc%3Aweb`).status).toBe(200);
    expect(call('GET', `/tailnet/-/${family}`).body).toMatchObject({ vipServices: [web] });
    expect(call('DELETE', `/tailnet/-/${family}/svc:web`).status).toBe(200);
    expect(call('GET', `/tailnet/-/${family}/svc:web`)).toEqual({ status: 404, body: { message: 'service not found' } });
  });

  it('takes its name from the path when the body has none', () => {
    expect(callerOf().call('PUT', '/tailnet/-/vip-services/svc:a', {}).body).toMatchObject({ name: 'svc:a' });
  });

  it.each([[[]], [{ ports: 'tcp:443' }], [{ annotations: { a: 1 } }], [{ displayName: 'x'.repeat(65) }], [undefined]])(
    'is not made from %j',
    (body) => {
      expect(callerOf().call('PUT', '/tailnet/-/vip-services/svc:a', body).status).toBe(400);
    },
  );

  it('lists who offers to host it, and on whose word they may', () => {
    const { call, demo, laptop } = withHosts();
    call('POST', `/tailnet/-/services/svc:web/device/${laptop}/approved`, { approved: true });
    expect(call('GET', '/tailnet/-/services/svc:web/devices').body).toEqual({
      hosts: [
        { stableNodeID: demo, approvalLevel: 'approved:auto', configured: 'ready' },
        { stableNodeID: laptop, approvalLevel: 'approved:manual', configured: 'ready' },
      ],
    });
  });

  it('tells approval by an admin from approval by policy', () => {
    const { call, demo, laptop } = withHosts();
    expect(call('GET', approvalPath(demo)).body).toEqual({ approved: true, autoApproved: true });
    expect(call('GET', approvalPath(laptop)).body).toEqual({ approved: false, autoApproved: false });
    expect(call('POST', approvalPath(laptop), { approved: true }).body).toEqual({ approved: true, autoApproved: false });
    expect(call('POST', approvalPath(laptop), {}).status).toBe(400);
    expect(call('GET', approvalPath('nNONE')).status).toBe(404);
    expect(call('GET', `/tailnet/-/services/svc:none/device/${demo}/approved`).status).toBe(404);
  });
});
