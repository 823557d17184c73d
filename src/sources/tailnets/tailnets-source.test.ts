import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followedTailnets, secretOf, simulatedSecret, tailnetObjects, tailnetOf } from '../../../test/support/followed-tailnets.ts';

let world: Awaited<ReturnType<typeof followedTailnets>>;
beforeEach(async () => {
  world = await followedTailnets();
});
afterEach(() => world.close());

const known = () => world.until((state) => state.known !== undefined && state.trouble === undefined);
const troubled = (kind: string) => world.until((state) => state.trouble?.kind === kind);
const fqdns = (name?: string) => [...(world.last(name)?.known?.devices.values() ?? [])].map(({ fqdn }) => fqdn).toSorted();

describe('a tailnet', () => {
  it('is told with its machines, its services and its suffix', async () => {
    await world.steer('POST', '/services', { name: 'svc:web', ports: ['tcp:80'], tags: ['tag:k8s'] });
    await world.poll();
    expect((await known()).known).toEqual({
      devices: new Map([[world.tailnet().devices[0]?.nodeId, expect.objectContaining({ fqdn: 'demo.simulated.ts.net', usable: true })]]),
      services: new Map([['svc:web', expect.objectContaining({ name: 'svc:web', ports: ['tcp:80'] })]]),
      suffix: 'simulated.ts.net',
      groups: new Map(),
      displayNames: expect.any(Map),
      lastSync: '2026-01-01T00:00:05Z',
    });
  });

  it('is absent until something was heard of it', async () => {
    expect(world.seen).toEqual([new Map()]);
    await known();
    expect(world.seen).toHaveLength(2);
  });

  it('says nothing while nothing changes', async () => {
    await known();
    const before = world.seen.length;
    await world.poll();
    await world.poll();
    expect(world.seen).toHaveLength(before);
  });

  it('moves its lastSync every five minutes while nothing changes, and keeps its machines the same', async () => {
    const { known: before } = await known();
    world.clock.pass(300_000);
    await world.poll();
    const after = world.last()?.known;
    expect(after?.lastSync).toBe('2026-01-01T00:05:05Z');
    expect(after?.devices).toBe(before?.devices);
    expect(after?.services).toBe(before?.services);
  });

  it('follows machines that are renamed, get another address, go offline and leave, and touches no other', async () => {
    await world.steer('POST', '/devices', { hostname: 'web' });
    await world.poll();
    const demo = () => [...(world.last()?.known?.devices.values() ?? [])].find(({ hostname }) => hostname === 'demo');
    const [untouched, services] = [demo(), world.last()?.known?.services];
    const web = () => [...(world.last()?.known?.devices.values() ?? [])].find(({ hostname }) => hostname === 'web');
    for (const [change, result] of [
      [{ name: 'www.simulated.ts.net' }, { fqdn: 'www.simulated.ts.net' }],
      [{ addresses: ['100.64.9.9', 'fd7a:115c:a1e0::9'] }, { addresses: ['100.64.9.9', 'fd7a:115c:a1e0::9'] }],
      [{ online: false }, { usable: false, connected: false }],
    ] as const) {
      await world.steer('PATCH', '/devices/web', change).catch(() => world.steer('PATCH', '/devices/www', change));
      await world.poll();
      expect(web()).toMatchObject(result);
    }
    await world.steer('DELETE', '/devices/www');
    await world.poll();
    expect(fqdns()).toEqual(['demo.simulated.ts.net']);
    expect(demo()).toBe(untouched);
    expect(world.last()?.known?.services).toBe(services);
  });

  it('has machines with equal host names side by side', async () => {
    await world.steer('POST', '/devices', { hostname: 'demo' });
    await world.poll();
    expect(fqdns()).toEqual(['demo-1.simulated.ts.net', 'demo.simulated.ts.net']);
  });

  it('gets another token when its own has expired', async () => {
    await known();
    world.clock.pass(3_600_000);
    await world.poll();
    expect(world.made.filter((call) => call.startsWith('token'))).toEqual(['token 200', 'token 200']);
    expect(world.last()?.trouble).toBeUndefined();
  });
});

describe('what is known stands, and its state says why, when', () => {
  it.each([
    [{ path: '*/devices', cut: true }, 'unreachable', /gives no answer/],
    [{ path: '*/vip-services', cut: true }, 'unreachable', /gives no answer/],
    [{ drop: true }, 'unreachable', /gives no answer/],
    [{ status: 503, message: 'down for maintenance' }, 'refused', /fails to tell of machines \(503, down for maintenance\)/],
    [{ status: 429, retryAfterSeconds: 3600 }, 'refused', /wants to be asked later/],
    [{ path: '*/devices', status: 403 }, 'scopes', /may not read machines .* scope devices:core/],
    [{ path: '*/vip-services', status: 403 }, 'scopes', /may not read services .* scope services/],
    [{ path: '*/devices', status: 404 }, 'refused', /knows no tailnet "-"/],
    [{ path: '*/devices', status: 402 }, 'refused', /refuses to tell of machines \(402/],
  ])('calls meet %j', async (fault, kind, message) => {
    const before = await known();
    await world.fault(fault);
    await world.poll();
    const after = world.last();
    expect(after?.trouble).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(after?.known).toBe(before.known);
    expect(world.source.health()).toMatchObject([{ name: 'tailnet corp', synced: true, error: after?.trouble?.message }]);
  });

  it('its credentials are revoked; and the trouble is over when they are back', async () => {
    const before = await known();
    await world.steer('DELETE', '/credentials/simulated');
    await world.poll();
    const { trouble } = await troubled('credentials');
    expect(trouble?.message).toMatch(/does not take the credentials in Secret "tailplane-system\/corp"/);
    expect(trouble?.message).not.toContain('tskey');
    expect(world.last()?.known).toBe(before.known);
    await world.steer('POST', '/credentials', { id: 'simulated', secret: 'simulated' });
    world.clock.pass(10_000);
    await world.poll();
    expect(world.last()).toBe(await known());
    expect(world.last()?.known).toBe(before.known);
  });

  it('its Secret goes; with another client once that is back', async () => {
    const before = await known();
    const client = world.source.clientOf('corp');
    world.objects$.next(tailnetObjects([world.corp], []));
    expect(world.last()?.trouble).toMatchObject({ kind: 'secret', message: expect.stringContaining('does not exist') });
    expect(world.last()?.known).toBe(before.known);
    expect(world.source.clientOf('corp')).toBeUndefined();
    await expect(client?.devices()).rejects.toThrow('closed');
    world.objects$.next(tailnetObjects([world.corp], [simulatedSecret('corp')]));
    const after = await known();
    expect(after.known).toBe(before.known);
    expect(world.source.clientOf('corp')).not.toBe(client);
  });

  it('a new Secret is wrong', async () => {
    const before = await known();
    world.objects$.next(tailnetObjects([world.corp], [secretOf('corp', { client_id: 'simulated', client_secret: 'guessed' })]));
    const after = await troubled('credentials');
    expect(after.known).toBe(before.known);
    expect(JSON.stringify(after.trouble)).not.toContain('guessed');
  });

  it('the API tells nonsense', async () => {
    const before = await known();
    await world.steer('PATCH', '/devices/demo', { name: 'a\u0000b.simulated.ts.net' });
    await world.poll();
    expect(world.last()?.trouble).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('"a\\u0000b.simulated.ts.net"') });
    expect(world.last()?.known).toBe(before.known);
  });
});

describe('trouble', () => {
  it('is told as one thing while it lasts, and dated by its beginning', async () => {
    await known();
    await world.fault({ path: '*/devices', status: 503 });
    await world.poll();
    const { trouble } = await troubled('refused');
    const said = world.seen.length;
    await world.poll();
    expect(world.seen).toHaveLength(said);
    expect(trouble?.since).toMatch(/^2026-01-01T00:00:\d\dZ$/);
  });

  it('is over for both lists when it is over for one', async () => {
    await world.fault({ status: 503 });
    await troubled('refused');
    await world.steer('DELETE', '/faults');
    world.clock.pass(3_600_000);
    await world.poll();
    expect(await known()).toBe(world.last());
  });
});

describe('several tailnets', () => {
  const second = () => tailnetOf('lab', { apiURL: world.url });
  const secondSecret = secretOf('lab', { client_id: 'lab', client_secret: 'lab' });
  const both = () => tailnetObjects([world.corp, second()], [simulatedSecret('corp'), secondSecret]);

  it('with the same addresses are never mixed', async () => {
    await world.steer('POST', '/tailnets', { name: 'lab', clientId: 'lab', clientSecret: 'lab' });
    await world.steer('POST', '/devices?tailnet=lab', { hostname: 'printer' });
    await known();
    const corp = world.last();
    world.objects$.next(both());
    const lab = await world.until((state) => state.known !== undefined, 'lab');
    expect([...(lab.known?.devices.values() ?? [])].map(({ fqdn, addresses }) => [fqdn, addresses[0]])).toEqual([
      ['printer.lab.ts.net', '100.64.0.1'],
    ]);
    expect(world.last('corp')).toBe(corp);
    expect(corp?.known?.devices.values().next().value?.addresses[0]).toBe('100.64.0.1');
  });

  it('do not suffer from one another: one that cannot be asked leaves the other as it is', async () => {
    await known();
    const corp = world.last();
    world.objects$.next(both());
    await world.until((state) => state.trouble?.kind === 'credentials', 'lab');
    expect(world.last('corp')).toBe(corp);
    expect(world.source.health().map(({ name, synced }) => [name, synced])).toEqual([
      ['tailnet corp', true],
      ['tailnet lab', false],
    ]);
  });
});

describe('a TailscaleTailnet', () => {
  it('that leads elsewhere is another tailnet: nothing is known of it before it answers', async () => {
    await known();
    const elsewhere = tailnetOf('corp', { apiURL: 'http://127.0.0.1:9' });
    world.objects$.next(tailnetObjects([elsewhere], [simulatedSecret('corp')]));
    expect(world.last()).toBeUndefined();
    expect(await troubled('unreachable')).not.toHaveProperty('known');
  });

  it('whose other fields change is asked by the same client', async () => {
    await known();
    const client = world.source.clientOf('corp');
    world.objects$.next(tailnetObjects([{ ...world.corp, spec: { ...world.corp.spec, tags: ['tag:a'] } }], [simulatedSecret('corp')]));
    expect(world.source.clientOf('corp')).toBe(client);
  });

  it('that is deleted is gone, and its client closed', async () => {
    await known();
    const client = world.source.clientOf('corp');
    world.objects$.next(tailnetObjects([], []));
    expect(world.seen.at(-1)).toEqual(new Map());
    expect(world.source.clientOf('corp')).toBeUndefined();
    expect(world.source.health()).toEqual([]);
    await expect(client?.devices()).rejects.toThrow('closed');
  });

  it('named "simulated" is asked where the simulator is, unless it says where', async () => {
    await world.close();
    let started = 0;
    const simulated = async (): Promise<string> => {
      started += 1;
      return world.url;
    };
    world = await followedTailnets({ simulated });
    world.objects$.next(tailnetObjects([tailnetOf('try', { tailnet: 'simulated' })], [simulatedSecret('try')]));
    await world.until((state) => state.known !== undefined, 'try');
    expect(fqdns('try')).toEqual(['demo.simulated.ts.net']);
    expect(started).toBe(1);
    world.objects$.next(tailnetObjects([tailnetOf('try', { tailnet: 'simulated', apiURL: world.url })], [simulatedSecret('try')]));
    await world.until((state) => state.known !== undefined, 'try');
    expect(started).toBe(1);
  });

  it('with an audience is asked with a token of ours for that audience', async () => {
    await world.close();
    const claims = Buffer.from(JSON.stringify({ aud: 'api.tailscale.com/x', exp: Date.UTC(2030, 0, 1) / 1000 })).toString('base64url');
    const audiences: string[] = [];
    world = await followedTailnets({
      identityToken: async (audience) => {
        audiences.push(audience);
        return `e30.${claims}.c2ln`;
      },
    });
    await world.steer('POST', '/credentials', { id: 'federated', audience: 'api.tailscale.com/x' });
    const federated = tailnetOf('corp', { apiURL: world.url, audience: 'api.tailscale.com/x' });
    world.objects$.next(tailnetObjects([federated], [secretOf('corp', { client_id: 'federated' })]));
    await known();
    expect(audiences).toEqual(['api.tailscale.com/x']);
  });
});

it('asks nobody any more once nobody listens', async () => {
  await known();
  await world.close();
  expect(world.source.clientOf('corp')).toBeUndefined();
  expect(world.source.health()).toEqual([]);
});
