import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { simulatedTailnet } from '../../test/support/simulated-tailnet.ts';
import type { TailscaleClient } from './client.ts';

let tailnet: Awaited<ReturnType<typeof simulatedTailnet>>;
let client: TailscaleClient;
beforeEach(async () => {
  tailnet = await simulatedTailnet();
  client = tailnet.client();
});
afterEach(() => tailnet.close());

const devices = '*/tailnet/-/devices';
const keys = '*/tailnet/-/keys';

describe('an error of the API', () => {
  it.each([
    [400, 'invalid'],
    [401, 'credentials'],
    [402, 'billing'],
    [403, 'scopes'],
    [404, 'not-found'],
    [409, 'conflict'],
    [412, 'conflict'],
    [418, 'invalid'],
    [429, 'rate-limited'],
    [500, 'server'],
    [501, 'invalid'],
    [503, 'server'],
  ])('with status %d is of kind %s, with the words of the API', async (status, kind) => {
    await tailnet.fault({ path: devices, status, message: 'the reason' });
    await expect(client.devices()).rejects.toMatchObject({ name: 'TailscaleApiError', call: 'devices', status, kind, said: 'the reason' });
  });

  it('that need not be there is no error for what looks for it', async () => {
    await tailnet.fault({ path: '*/device/*', status: 404 });
    expect([await client.device('n1'), await client.deleteDevice('n1')]).toEqual([undefined, false]);
  });
});

describe('a call that failed', () => {
  it.each([500, 502, 503, 504, 429])('with %d is made again, later each time, until it works', async (status) => {
    await tailnet.fault({ path: devices, status, count: 3 });
    expect(await client.devices()).toHaveLength(1);
    expect(tailnet.made).toEqual(['token 200', ...Array.from({ length: 3 }, () => `devices ${status}`), 'devices 200']);
    expect(tailnet.clock.waits).toEqual([500, 1000, 2000]);
  });

  it('is not made again later than it is of use', async () => {
    await tailnet.fault({ path: '*/vip-services/*', status: 429, retryAfterSeconds: 6, count: 1 });
    const service = { name: 'svc:web', ports: ['tcp:443'] };
    await expect(client.putVipService(service, { withinMs: 5000 })).rejects.toMatchObject({ kind: 'conflict', status: 0 });
    expect(tailnet.made).toEqual(['token 200', 'putVipService 429']);
    await client.putVipService(service, { withinMs: 5000 });
    expect(await client.deleteVipService('svc:web', { withinMs: 5000 })).toBe(true);
  });

  it('is given up after four tries', async () => {
    await tailnet.fault({ path: devices, status: 503 });
    await expect(client.devices()).rejects.toMatchObject({ kind: 'server', retryable: true });
    expect(tailnet.made.filter((call) => call === 'devices 503')).toHaveLength(4);
  });

  it.each([400, 402, 403, 409, 501])('with %d is not made again: it would fail again', async (status) => {
    await tailnet.fault({ path: devices, status });
    await expect(client.devices()).rejects.toMatchObject({ retryable: false });
    expect(tailnet.made).toEqual(['token 200', `devices ${status}`]);
  });

  it.each([{ drop: true }, { cut: true }])('for want of a connection (%j) is made again', async (fault) => {
    await tailnet.fault({ path: devices, ...fault, count: 1 });
    expect(await client.devices()).toHaveLength(1);
    expect(tailnet.made).toEqual(['token 200', 'devices 0', 'devices 200']);
  });

  it('for want of time is made again, and an API that stays slow is unreachable', async () => {
    const impatient = tailnet.client({ limits: { timeoutMs: 100 } });
    await tailnet.fault({ path: devices, delayMs: 600_000, count: 1 });
    expect(await impatient.devices()).toHaveLength(1);
    await tailnet.fault({ path: devices, delayMs: 600_000 });
    await expect(impatient.devices()).rejects.toMatchObject({ kind: 'unreachable', status: 0, said: 'no answer within 0.1 s' });
  });

  it('is none that deleted what was there, though the rest of the answer does not come', async () => {
    const id = tailnet.tailnet().devices[0]?.nodeId ?? '';
    await tailnet.fault({ path: '*/device/*', cut: true, count: 1 });
    expect(await client.deleteDevice(id)).toBe(true);
    expect(tailnet.tailnet().devices).toEqual([]);
  });
});

describe('an auth key', () => {
  const wish = { tags: ['tag:k8s'] };

  it.each([{ drop: true }, { cut: true }, { status: 500 }, { status: 502 }, { status: 503, retryAfterSeconds: 1 }, { status: 504 }])(
    'is not asked for again when one may have been made (%j)',
    async (fault) => {
      await client.devices();
      await tailnet.fault({ path: keys, method: 'POST', ...fault, count: 1 });
      await expect(client.createAuthKey(wish)).rejects.toMatchObject({ retryable: true });
      expect(tailnet.made.filter((call) => call.startsWith('createAuthKey'))).toHaveLength(1);
      expect(tailnet.tailnet().keys.length).toBeLessThanOrEqual(1);
    },
  );

  it('is not asked for again when the answer takes too long', async () => {
    await tailnet.fault({ path: keys, delayMs: 600_000, count: 1 });
    await expect(tailnet.client({ limits: { timeoutMs: 100 } }).createAuthKey(wish)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(tailnet.tailnet().keys).toHaveLength(1);
  });

  it('is asked for again where none can have been made: too many calls, or a token that is not taken', async () => {
    await tailnet.fault({ path: keys, status: 429, count: 1 });
    await tailnet.fault({ path: keys, status: 401, message: 'API token invalid', count: 1 });
    await client.createAuthKey(wish);
    expect(tailnet.tailnet().keys).toHaveLength(1);
    expect(tailnet.made).toEqual(['token 200', 'createAuthKey 429', 'createAuthKey 401', 'token 200', 'createAuthKey 200']);
  });

  it.each([
    [402, 'billing'],
    [403, 'scopes'],
  ])('that is refused with %d is not asked for again', async (status, kind) => {
    await tailnet.fault({ path: keys, status });
    await expect(client.createAuthKey(wish)).rejects.toMatchObject({ kind });
    expect(tailnet.made.filter((call) => call.startsWith('createAuthKey'))).toHaveLength(1);
  });
});

describe('a service', () => {
  it('is not written again with what was read before, when it may have been written', async () => {
    await tailnet.fault({ path: '*/vip-services/*', method: 'PUT', drop: true, count: 1 });
    await expect(client.putVipService({ name: 'svc:web' })).rejects.toMatchObject({ kind: 'unreachable' });
    expect(tailnet.made).toEqual(['token 200', 'putVipService 0']);
  });

  it('is written when the API says so, though the rest of its answer does not come', async () => {
    await tailnet.fault({ path: '*/vip-services/*', method: 'PUT', cut: true, count: 1 });
    await client.putVipService({ name: 'svc:web' });
    expect(tailnet.tailnet().services).toMatchObject([{ name: 'svc:web' }]);
  });
});

describe('an API that wants to be left alone', () => {
  it.each([429, 503])('is, by all calls, for as long as it says with %d', async (status) => {
    const { clock } = tailnet;
    const made: string[] = [];
    let others: Promise<unknown> | undefined;
    const asking = tailnet.client({
      called: (call) => {
        made.push(`${call.name} ${call.status} at ${clock.now() - began}`);
        if (call.status === status) others = asking.keys();
      },
    });
    const began = clock.now();
    await tailnet.fault({ path: devices, status, retryAfterSeconds: 20, count: 1 });
    await asking.devices();
    await others;
    expect(made.toSorted()).toEqual([`devices ${status} at 0`, 'devices 200 at 20000', 'keys 200 at 20000', 'token 200 at 0'].toSorted());
  });

  it('is not waited for beyond patience: calls fail at once, without being made, and say when to come back', async () => {
    await tailnet.fault({ path: devices, status: 429, retryAfterSeconds: 600, count: 1 });
    await expect(client.devices()).rejects.toMatchObject({ kind: 'rate-limited', status: 429, retryAfterMs: 600_000 });
    tailnet.clock.pass(100_000);
    const failed = client.keys();
    await expect(failed).rejects.toMatchObject({ kind: 'rate-limited', status: 0, retryAfterMs: 500_000 });
    await expect(failed).rejects.toThrow('the API wants to be left alone for another 500 s');
    expect(tailnet.made).toEqual(['token 200', 'devices 429']);
    tailnet.clock.pass(500_000);
    expect(await client.keys()).toEqual([]);
  });
});
