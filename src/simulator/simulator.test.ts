import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { simulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

let running: Simulator;
let url = '';

beforeEach(async () => {
  running = simulator({ address: '127.0.0.1:0' });
  ({ url } = await running.listen());
});
afterEach(() => running.close());

const token = async (): Promise<string> => {
  const response = await fetch(`${url}/api/v2/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('simulated:simulated')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
};

const get = async (path: string): Promise<{ readonly status: number; readonly body: unknown }> => {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${await token()}` } });
  return { status: response.status, body: await response.json() };
};

const callsOf = async (base: string): Promise<readonly unknown[]> => {
  const response = await fetch(`${base}/simulator/calls`);
  return ((await response.json()) as { readonly calls: readonly unknown[] }).calls;
};

describe('simulator', () => {
  it('starts with one device that is online', async () => {
    const { body } = await get('/api/v2/tailnet/-/devices');
    expect(body).toMatchObject({
      devices: [{ name: 'demo.simulated.ts.net', connectedToControl: true, addresses: ['100.64.0.1', expect.any(String)] }],
    });
  });

  it('answers an unknown path with 404 and a JSON message', async () => {
    expect(await get('/api/v2/no/such/path')).toEqual({ status: 404, body: { message: '404 page not found' } });
    expect(await get('/')).toEqual({ status: 404, body: { message: '404 page not found' } });
  });

  it('refuses a body beyond 1 MiB', async () => {
    const response = await fetch(`${url}/api/v2/oauth/token`, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
    expect(response.status).toBe(413);
  });

  it('outlives clients that send garbage or leave in the middle of a request', async () => {
    for (const garbage of ['\0\0\0\r\n\r\n', 'POST /api/v2/oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf']) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.end(garbage);
      await once(socket.resume(), 'close');
    }
    expect((await get('/api/v2/tailnet/-/devices')).status).toBe(200);
  });

  it('breaks connections when a fault says so, before the answer or in the middle of it', async () => {
    const bearer = await token();
    const read = async (): Promise<string> => {
      const response = await fetch(`${url}/api/v2/tailnet/-/devices`, { headers: { authorization: `Bearer ${bearer}` } });
      return response.text();
    };
    const whole = await read();
    for (const fault of [{ drop: true }, { cut: true }]) {
      await fetch(`${url}/simulator/faults`, { method: 'POST', body: JSON.stringify({ ...fault, count: 1 }) });
      await expect(read()).rejects.toThrow(TypeError);
    }
    expect(await read()).toBe(whole);
  });

  it('closes at once, though an answer is being delayed', async () => {
    await fetch(`${url}/simulator/faults`, { method: 'POST', body: JSON.stringify({ delayMs: 600_000 }) });
    const delayed = fetch(`${url}/api/v2/tailnet/-/devices`).catch((error: unknown) => error);
    await vi.waitUntil(() => callsOf(url).then((calls) => calls.length === 1));
    await running.close();
    expect(await delayed).toBeInstanceOf(TypeError);
  });

  it('continues from a state it is given', async () => {
    const [tailnet] = running.state().tailnets;
    const second = simulator({
      address: '127.0.0.1:0',
      state: { tailnets: [{ ...(tailnet as NonNullable<typeof tailnet>), devices: [] }] },
    });
    await second.listen();
    expect(second.state().tailnets[0]?.devices).toEqual([]);
    await second.close();
  });

  it('fails to listen on an address that is taken, with the reason Node gives', async () => {
    const second = simulator({ address: new URL(url).host });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.close();
  });
});
