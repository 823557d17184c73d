import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedApi } from '../../test/support/scripted-api.ts';
import { simulatedTailnet } from '../../test/support/simulated-tailnet.ts';
import type { TailscaleClient } from './client.ts';

let tailnet: Awaited<ReturnType<typeof simulatedTailnet>>;
let client: TailscaleClient;
beforeEach(async () => {
  tailnet = await simulatedTailnet();
  client = tailnet.client();
});
afterEach(() => tailnet.close());

const demo = () => tailnet.tailnet().devices[0]?.nodeId ?? '';

describe('devices', () => {
  it('are listed and found by stable node id, routes only when asked for', async () => {
    await tailnet.steer('PATCH', '/devices/demo', { advertisedRoutes: ['10.0.0.0/8'] });
    const [device, ...others] = await client.devices();
    expect(others).toEqual([]);
    expect(device).toMatchObject({ nodeId: demo(), name: 'demo.simulated.ts.net', connectedToControl: true, advertisedRoutes: [] });
    expect((await client.devices('all'))[0]?.advertisedRoutes).toEqual(['10.0.0.0/8']);
    expect(await client.device(demo())).toEqual(device);
  });

  it('are deleted once, and then not there', async () => {
    const id = demo();
    expect([await client.deleteDevice(id), await client.deleteDevice(id)]).toEqual([true, false]);
    expect(await client.device(id)).toBeUndefined();
    expect(await client.devices()).toEqual([]);
  });

  it('get other tags in place of those they have', async () => {
    await tailnet.steer('PATCH', '/devices/demo', { tags: [] });
    expect(await client.setDeviceTags(demo(), ['tag:k8s'])).toBe(true);
    expect((await client.device(demo()))?.tags).toEqual(['tag:k8s']);
    expect(await client.setDeviceTags('nNobody', ['tag:k8s'])).toBe(false);
  });
});

describe('auth keys', () => {
  it('are single-use, lasting and preauthorized unless said otherwise, and let a machine in', async () => {
    const key = await client.createAuthKey({ tags: ['tag:k8s'], description: 'proxy a-egress-0' });
    expect(tailnet.tailnet().keys).toMatchObject([
      {
        id: key.id,
        secret: key.key,
        reusable: false,
        ephemeral: false,
        preauthorized: true,
        tags: ['tag:k8s'],
        description: 'proxy a-egress-0',
      },
    ]);
    await tailnet.steer('POST', '/devices', { hostname: 'a-egress-0', authKey: key.key });
    expect(await client.key(key.id)).toMatchObject({ id: key.id, invalid: true });
  });

  it('are listed without their secret until they are deleted', async () => {
    const { id, key: secret } = await client.createAuthKey({ tags: ['tag:k8s'] });
    const listed = await client.keys();
    expect(listed.map((each) => each.id)).toEqual([id]);
    expect(JSON.stringify(listed)).not.toContain(secret);
    expect([await client.deleteKey(id), await client.deleteKey('kNone')]).toEqual([true, false]);
    expect(await client.keys()).toEqual([]);
    expect(await client.key(id)).toMatchObject({ invalid: true });
    expect(await client.key('kNone')).toBeUndefined();
  });

  it('are not made with a tag that the credentials do not own, and the error says that it is about tags', async () => {
    const failed = client.createAuthKey({ tags: ['tag:prod'] });
    await expect(failed).rejects.toMatchObject({ kind: 'invalid', status: 400, isAboutTags: true, retryable: false });
    await expect(failed).rejects.toThrow('tag:prod');
  });
});

describe('VIP services', () => {
  it('are created with addresses from the API, found, listed and deleted', async () => {
    expect(await client.vipService('svc:web')).toBeUndefined();
    await client.putVipService({ name: 'svc:web', ports: ['tcp:443'] });
    const service = await client.vipService('svc:web');
    expect(service).toEqual({ name: 'svc:web', ports: ['tcp:443'], addrs: ['100.110.0.1', expect.any(String)] });
    expect(await client.vipServices()).toEqual([service]);
    expect([await client.deleteVipService('svc:web'), await client.deleteVipService('svc:web')]).toEqual([true, false]);
  });

  it('tell who would host them, and take approval for it', async () => {
    await client.putVipService({ name: 'svc:web', ports: ['tcp:443'] });
    await tailnet.steer('PATCH', '/devices/demo', { advertisedServices: ['svc:web'] });
    expect(await client.serviceHosts('svc:web')).toEqual([{ stableNodeID: demo(), approvalLevel: 'not-approved', configured: 'ready' }]);
    expect(await client.approveServiceHost('svc:web', demo())).toEqual({ approved: true, autoApproved: false });
    expect((await client.serviceHosts('svc:web'))?.[0]?.approvalLevel).toBe('approved:manual');
    expect(await client.serviceHosts('svc:none')).toBeUndefined();
    expect(await client.approveServiceHost('svc:web', 'nNobody')).toBeUndefined();
  });
});

it('reads settings, DNS preferences and search paths', async () => {
  expect(await client.settings()).toMatchObject({ devicesApprovalOn: false, httpsEnabled: true, devicesKeyDurationDays: 180 });
  expect(await client.dnsPreferences()).toEqual({ magicDNS: true });
  expect(await client.searchPaths()).toEqual([]);
});

it('reads who people are, and groups of the policy however the section is written', async () => {
  await tailnet.steer('POST', '/users', { loginName: 'ann@example.com', displayName: 'Ann' });
  expect(await client.users()).toEqual([{ loginName: 'ann@example.com', displayName: 'Ann' }]);
  expect(await client.policyGroups()).toEqual({});
  for (const section of ['groups', 'Groups']) {
    const policy = { [section]: { 'group:dev': ['ann@example.com'] } };
    const { headers } = await authorized(tailnet.url);
    await fetch(`${tailnet.url}/api/v2/tailnet/-/acl`, { method: 'POST', headers, body: JSON.stringify(policy) });
    expect(await client.policyGroups()).toEqual({ 'group:dev': ['ann@example.com'] });
  }
});

it('finds the tailnet by its name, by its id, and without either', async () => {
  for (const name of ['simulated', tailnet.tailnet().id, '-', ''])
    expect(await tailnet.client({ tailnet: name }).devices()).toHaveLength(1);
  await expect(tailnet.client({ tailnet: 'other.example' }).devices()).rejects.toMatchObject({
    kind: 'not-found',
    said: 'tailnet not found',
  });
});

it('refuses ids and names that are empty or would lead elsewhere, without a call', async () => {
  for (const wrong of ['', '.', '..', '\ud800']) {
    await expect(client.deleteDevice(wrong)).rejects.toMatchObject({ kind: 'invalid', status: 0 });
    await expect(client.putVipService({ name: wrong })).rejects.toMatchObject({ kind: 'invalid' });
  }
  expect(tailnet.made).toEqual([]);
  expect(await client.device('../tailnet/-/devices')).toBeUndefined();
  expect(await client.device(`${demo()}?fields=all`)).toBeUndefined();
});

it('breaks off what is under way when it is closed, and refuses what comes', async () => {
  await client.devices();
  await tailnet.fault({ delayMs: 600_000 });
  const underWay = client.devices();
  const waiting = client.keys();
  client.close();
  for (const call of await Promise.allSettled([underWay, waiting]))
    expect(call).toMatchObject({ reason: { kind: 'unreachable', said: 'the client is closed' } });
  await expect(client.device(demo())).rejects.toMatchObject({ said: 'the client is closed' });
});

describe('on the wire', () => {
  it('an auth key is asked for with every member, as Tailscale’s own client does', async () => {
    const api = await scriptedApi(({ path }) => (path.endsWith('/keys') ? { body: { id: 'k1', key: 'tskey-auth-1' } } : undefined));
    try {
      const made = await tailnet.client({ apiURL: `${api.url}/` }).createAuthKey({ tags: ['tag:k8s'] });
      expect(made).toMatchObject({ id: 'k1', key: 'tskey-auth-1' });
      expect(api.heard.map(({ method, path, body }) => [method, path, body])).toEqual([
        ['POST', '/api/v2/oauth/token', 'grant_type=client_credentials&client_id=simulated&client_secret=simulated'],
        [
          'POST',
          '/api/v2/tailnet/-/keys',
          '{"capabilities":{"devices":{"create":{"reusable":false,"ephemeral":false,"tags":["tag:k8s"],"preauthorized":true}}},"expirySeconds":0,"description":""}',
        ],
      ]);
      expect(api.heard[1]?.headers).toMatchObject({
        authorization: 'Bearer token-1',
        'content-type': 'application/json',
        'user-agent': 'test',
      });
    } finally {
      await api.close();
    }
  });

  it('a service goes back as it came but for what was changed, its name with a colon', async () => {
    const service = {
      name: 'svc:web',
      addrs: ['100.110.0.1', 'fd7a::1'],
      annotations: { 'tailscale.com/owner-references': '{"ownerRefs":[]}' },
      displayName: 'Web',
      future: { of: ['this', null] },
      comment: null,
    };
    const api = await scriptedApi(({ path, method }) =>
      path.includes('/vip-services/') ? { body: method === 'GET' ? service : '' } : undefined,
    );
    try {
      const writing = tailnet.client({ apiURL: api.url });
      const read = await writing.vipService('svc:web');
      await writing.putVipService({ ...read, name: 'svc:web', ports: ['tcp:80'] });
      const sent = api.heard.find(({ method }) => method === 'PUT');
      const { comment: _none, ...kept } = service;
      expect(sent?.path).toBe('/api/v2/tailnet/-/vip-services/svc:web');
      expect(JSON.parse(sent?.body ?? '')).toEqual({ ...kept, ports: ['tcp:80'] });
    } finally {
      await api.close();
    }
  });

  it('lists and members that Go writes as null or leaves out are empty', async () => {
    const api = await scriptedApi(({ path }) =>
      path.endsWith('/devices')
        ? { body: { devices: [{ nodeId: 'n1', name: 'a.ts.net', tags: null }] } }
        : path.endsWith('/vip-services')
          ? { body: { vipServices: null } }
          : undefined,
    );
    try {
      const reading = tailnet.client({ apiURL: api.url });
      expect(await reading.devices()).toMatchObject([{ nodeId: 'n1', tags: [], addresses: [], lastSeen: '', authorized: false }]);
      expect(await reading.vipServices()).toEqual([]);
    } finally {
      await api.close();
    }
  });
});

/** A policy can only be set by the API. */
const authorized = async (url: string): Promise<{ readonly headers: Readonly<Record<string, string>> }> => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'simulated', client_secret: 'simulated' });
  const answer = await fetch(`${url}/api/v2/oauth/token`, { method: 'POST', body });
  const { access_token: token } = (await answer.json()) as { readonly access_token: string };
  return { headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } };
};
