import { describe, expect, it } from 'vitest';
import { callerOf, firstOf, start } from '../../test/support/simulated-call.ts';
import { join } from './state-devices.ts';
import type { Device } from './state.ts';

/** A caller whose tailnet has `demo` (tagged) and `laptop` (not), and the latter's id. */
const withLaptop = (fields: Partial<Device> = {}) => {
  const caller = callerOf();
  caller.arrange((tailnet) => join(tailnet, { hostname: 'laptop', ...fields }, start).tailnet);
  const { nodeId = '' } = firstOf(caller.world()).devices[1] ?? {};
  return { ...caller, path: `/device/${nodeId}`, laptop: () => firstOf(caller.world()).devices[1] };
};

const names = (reply: { readonly body?: unknown }): readonly string[] =>
  (reply.body as { readonly devices: readonly Device[] }).devices.map(({ hostname }) => hostname);

describe('the device list', () => {
  it.each([
    ['', ['demo', 'laptop']],
    ['?tags=tag:k8s', ['demo']],
    ['?tags=tag:k8s&tags=tag:other', []],
    ['?hostname=laptop', ['laptop']],
    ['?connectedToControl=true&isEphemeral=false', ['demo', 'laptop']],
    ['?isEphemeral=true', []],
    ['?constructor=x', []],
  ])('filtered by "%s" holds %j', (query, expected) => {
    expect(names(withLaptop().call('GET', `/tailnet/-/devices${query}`))).toEqual(expected);
  });

  it('leaves tags out for untagged devices, and routes out unless all fields are asked for', () => {
    const { call, path } = withLaptop({ advertisedRoutes: ['10.0.0.0/8'] });
    const brief = call('GET', path).body;
    for (const field of ['tags', 'advertisedRoutes', 'advertisedServices']) expect(brief).not.toHaveProperty(field);
    expect(call('GET', `${path}?fields=all`).body).toMatchObject({ advertisedRoutes: ['10.0.0.0/8'], enabledRoutes: [] });
  });
});

describe('a device', () => {
  it('takes tags that the caller may hand out, and no others', () => {
    const { call, path, laptop } = withLaptop();
    expect(call('POST', `${path}/tags`, { tags: ['tag:k8s'] }).status).toBe(200);
    expect(laptop()).toMatchObject({ tags: ['tag:k8s'], user: 'tagged-devices' });
    expect(call('POST', `${path}/tags`, { tags: ['not-a-tag'] }).status).toBe(400);
    expect(call('POST', `${path}/tags`, { tags: null }).status).toBe(400);
    expect(call('POST', `${path}/tags`, {})).toMatchObject({ status: 400, body: { message: expect.stringContaining('tags') } });
  });

  it('is approved, expired and kept from expiring as told', () => {
    const { call, path, laptop } = withLaptop({ authorized: false });
    call('POST', `${path}/authorized`, { authorized: true });
    call('POST', `${path}/key`, { keyExpiryDisabled: true });
    expect(laptop()).toMatchObject({ authorized: true, keyExpiryDisabled: true });
    call('POST', `${path}/expire`);
    expect(laptop()).toMatchObject({ expires: '2026-01-01T00:00:00Z', keyExpiryDisabled: false });
  });

  it('takes a free name, in part or in full, and goes back to its host name for an empty one', () => {
    const { call, path, laptop } = withLaptop();
    for (const name of ['one', 'two.simulated.ts.net', 'One']) {
      expect(call('POST', `${path}/name`, { name }).status).toBe(200);
      expect(laptop()?.name).toBe(`${name.split('.')[0]?.toLowerCase()}.simulated.ts.net`);
    }
    expect(call('POST', `${path}/name`, { name: 'demo' }).status).toBe(409);
    expect(call('POST', `${path}/name`, { name: 'a.b' }).status).toBe(400);
    call('POST', `${path}/name`, { name: '' });
    expect(laptop()?.name).toBe('laptop.simulated.ts.net');
  });

  it('takes a free IPv4 of the tailnet range and keeps its IPv6', () => {
    const { call, path, laptop } = withLaptop();
    expect(call('POST', `${path}/ip`, { ipv4: '100.99.1.2' }).status).toBe(200);
    expect(laptop()?.addresses).toEqual(['100.99.1.2', 'fd7a:115c:a1e0::2']);
    expect(['100.64.0.1', '10.0.0.1', 'x'].map((ipv4) => call('POST', `${path}/ip`, { ipv4 }).status)).toEqual([409, 400, 400]);
  });

  it('answers new routes with those it now has', () => {
    const { call, path } = withLaptop();
    const routes = { advertisedRoutes: [], enabledRoutes: ['10.0.0.0/8', 'fd00::/8'] };
    expect(call('POST', `${path}/routes`, { routes: routes.enabledRoutes }).body).toEqual(routes);
    expect(call('GET', `${path}/routes`).body).toEqual(routes);
    expect(call('POST', `${path}/routes`, { routes: ['10.0.0.0'] }).status).toBe(400);
  });

  it('is gone once deleted', () => {
    const { call, path } = withLaptop();
    expect(call('DELETE', path).status).toBe(200);
    expect(call('DELETE', path)).toEqual({ status: 404, body: { message: 'no manageable device matching this ID found' } });
  });

  it('shared in from elsewhere can be read but not changed', () => {
    const { call, path } = withLaptop({ isExternal: true });
    expect(call('GET', path).status).toBe(200);
    expect(call('DELETE', path).status).toBe(404);
    expect(call('POST', `${path}/authorized`, { authorized: true }).status).toBe(404);
  });
});
