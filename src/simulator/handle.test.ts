import { describe, expect, it } from 'vitest';
import { start } from '../../test/support/simulated-call.ts';
import { handle } from './handle.ts';
import type { Outcome } from './handle.ts';
import { initialWorld } from './initial.ts';
import type { Reply } from './reply.ts';
import { simulationOf } from './simulation.ts';

/** One text of a body; empty when the body has none by that name. */
const textIn = (reply: Reply | undefined, name: string): string => {
  const { [name]: text = '' } = (reply?.body ?? {}) as Readonly<Record<string, string>>;
  return text;
};

/** Both doors of one simulation: `order` for the hand that steers it, `call` for a client of the API with a token. */
const doors = () => {
  let simulation = simulationOf(initialWorld('test', start));
  const send = (method: string, url: string, body: unknown, headers: Record<string, string> = {}): Outcome => {
    const [path = '', query = ''] = url.split('?');
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const done = handle(simulation, { method, path, query: new URLSearchParams(query), headers, body: text, now: start });
    simulation = done.simulation;
    return done.outcome;
  };
  const tokenOf = (id: string): string => {
    const outcome = send('POST', '/api/v2/oauth/token', `grant_type=client_credentials&client_id=${id}&client_secret=${id}`);
    return textIn(outcome.reply, 'access_token');
  };
  const token = tokenOf('simulated');
  return {
    order: (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
      send(method, `/simulator${path}`, body, headers).reply,
    call: (method: string, path: string, body?: unknown, as = token) =>
      send(method, `/api/v2${path}`, body, { authorization: `Bearer ${as}` }),
    tokenOf,
    token,
  };
};

const devices = '/tailnet/-/devices';

describe('steering', () => {
  it('adds, alters and removes a device as clients then see it', () => {
    const { order, call } = doors();
    expect(order('POST', '/devices', { hostname: 'web', addresses: ['127.0.0.1'], tags: ['tag:k8s'] })).toMatchObject({
      status: 200,
      body: { name: 'web.simulated.ts.net' },
    });
    order('PATCH', '/devices/web', { online: false });
    expect(call('GET', `${devices}?hostname=web`).reply?.body).toMatchObject({
      devices: [{ addresses: ['127.0.0.1'], connectedToControl: false, lastSeen: '2026-01-01T00:00:00Z' }],
    });
    expect(order('DELETE', '/devices/web')?.status).toBe(200);
    expect(order('DELETE', '/devices/web')?.status).toBe(404);
  });

  it('lets a device join by a key that a client has minted', () => {
    const { order, call } = doors();
    const capabilities = { devices: { create: { tags: ['tag:k8s'], preauthorized: true } } };
    const key = textIn(call('POST', '/tailnet/-/keys', { capabilities }).reply, 'key');
    expect(order('POST', '/devices', { hostname: 'proxy', authKey: key })).toMatchObject({ status: 200, body: { tags: ['tag:k8s'] } });
    expect(order('POST', '/devices', { hostname: 'proxy', authKey: key })?.status).toBe(401);
  });

  it('adds and removes a service, with any tag', () => {
    const { order, call } = doors();
    expect(order('POST', '/services', { name: 'svc:web', tags: ['tag:any'] })?.status).toBe(200);
    expect(call('GET', '/tailnet/-/vip-services/svc:web').reply?.status).toBe(200);
    expect(order('DELETE', '/services/svc:web')?.status).toBe(200);
    expect(order('DELETE', '/services/svc:web')?.status).toBe(404);
  });

  it('adds a tailnet whose devices have the same addresses and which no other tailnet’s token opens', () => {
    const { order, call, tokenOf, token } = doors();
    expect(order('POST', '/tailnets', { name: 'second', clientId: 'second', clientSecret: 'second' })?.status).toBe(200);
    order('POST', '/devices?tailnet=second', { hostname: 'web' });
    expect(call('GET', devices, undefined, tokenOf('second')).reply?.body).toMatchObject({
      devices: [{ name: 'web.second.ts.net', addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'] }],
    });
    expect(call('GET', '/tailnet/second/devices', undefined, token).reply?.status).toBe(404);
    expect(order('POST', '/tailnets', { name: 'second', clientId: 'x', clientSecret: 'x' })?.status).toBe(409);
    expect(order('POST', '/tailnets', { name: 'third', clientId: 'second', clientSecret: 'x' })?.status).toBe(409);
    expect(order('POST', '/devices?tailnet=none', { hostname: 'web' })?.status).toBe(404);
  });

  it('adds credentials, and takes them back together with their tokens', () => {
    const { order, call, tokenOf } = doors();
    expect(order('POST', '/credentials', { id: 'reader', secret: 'reader', scopes: ['devices:core:read'] })?.status).toBe(200);
    const token = tokenOf('reader');
    expect(call('GET', devices, undefined, token).reply?.status).toBe(200);
    expect(order('DELETE', '/credentials/reader')?.status).toBe(200);
    expect(call('GET', devices, undefined, token).reply?.status).toBe(401);
    expect(order('POST', '/credentials', { id: 'x' })?.status).toBe(400);
  });

  it.each([
    ['/devices', { hostname: 'not a label' }],
    ['/devices', { hostname: 'a', onlin: true }],
    ['/devices', {}],
    ['/services', {}],
    ['/faults', { status: 1000 }],
    ['/tailnets', { name: 'No Label', clientId: 'a', clientSecret: 'b' }],
    ['/devices', '{"hostname":'],
  ])('refuses POST %s of %j, saying why', (path, body) => {
    expect(doors().order('POST', path, body)).toMatchObject({ status: 400, body: { message: expect.stringMatching(/./) } });
  });

  it('is not for web pages', () => {
    expect(doors().order('DELETE', '/devices/demo', undefined, { origin: 'https://example.com' })?.status).toBe(403);
  });

  it('shows everything but secrets', () => {
    const { order, call, token } = doors();
    const key = textIn(call('POST', '/tailnet/-/keys', { capabilities: { devices: { create: { tags: ['tag:k8s'] } } } }).reply, 'key');
    order('POST', '/credentials', { id: 'other', secret: 'hush-hush' });
    order('POST', '/faults', { stale: true });
    const text = ['', '/calls', '/faults'].map((path) => JSON.stringify(order('GET', path)?.body)).join();
    expect(text).toContain('demo.simulated.ts.net');
    for (const secret of [key, token, 'hush-hush']) expect(text).not.toContain(secret);
  });
});

describe('faults', () => {
  it('fail calls with a status, and a Retry-After where one is wanted, without doing them', () => {
    const { order, call } = doors();
    order('POST', '/faults', { path: '*/vip-services*', status: 429, retryAfterSeconds: 7, count: 1 });
    const put = () => call('PUT', '/tailnet/-/vip-services/svc:web', {}).reply;
    expect(put()).toEqual({ status: 429, body: { message: 'simulated failure' }, headers: { 'retry-after': '7' } });
    expect(call('GET', '/tailnet/-/vip-services').reply?.body).toEqual({ vipServices: [] });
    expect(put()?.status).toBe(200);
  });

  it('concern token requests like other calls', () => {
    const { order, tokenOf } = doors();
    order('POST', '/faults', { path: '*/oauth/token', status: 500 });
    expect(tokenOf('simulated')).toBe('');
  });

  it('drop connections without doing the call, cut answers and delay them after doing it', () => {
    const { order, call } = doors();
    order('POST', '/faults', { method: 'PUT', drop: true, count: 1 });
    expect(call('PUT', '/tailnet/-/vip-services/svc:a', {})).toEqual({ delayMs: 0, cut: false });
    order('POST', '/faults', { method: 'PUT', delayMs: 50, cut: true, count: 1 });
    expect(call('PUT', '/tailnet/-/vip-services/svc:b', {})).toMatchObject({ delayMs: 50, cut: true, reply: { status: 200 } });
    expect(call('GET', '/tailnet/-/vip-services').reply?.body).toMatchObject({ vipServices: [{ name: 'svc:b' }] });
  });

  it('answer reads from the past, to tokens of today, while writes go on', () => {
    const { order, call, tokenOf } = doors();
    order('POST', '/faults', { path: '*/vip-services*', stale: true, count: 1 });
    const token = tokenOf('simulated');
    expect(call('PUT', '/tailnet/-/vip-services/svc:web', {}, token).reply?.status).toBe(200);
    expect(call('GET', '/tailnet/-/vip-services', undefined, token).reply).toMatchObject({ status: 200, body: { vipServices: [] } });
    expect(call('GET', '/tailnet/-/vip-services', undefined, token).reply?.body).toMatchObject({ vipServices: [{ name: 'svc:web' }] });
  });

  it('end when they are taken back, and never concern steering', () => {
    const { order, call } = doors();
    const id = textIn(order('POST', '/faults', { status: 500 }), 'id');
    expect(order('GET', '/faults')?.body).toMatchObject({ faults: [{ id, status: 500 }] });
    expect(call('GET', devices).reply?.status).toBe(500);
    expect(order('DELETE', `/faults/${id}`)?.status).toBe(200);
    expect(order('DELETE', `/faults/${id}`)?.status).toBe(404);
    expect(call('GET', devices).reply?.status).toBe(200);
    order('POST', '/faults', { status: 500 });
    order('DELETE', '/faults');
    expect(call('GET', devices).reply?.status).toBe(200);
  });
});

describe('the list of calls', () => {
  it('has the latest calls to the API with their answers, dropped ones too, until it is emptied', () => {
    const { order, call } = doors();
    order('DELETE', '/calls');
    order('POST', '/faults', { path: '*/keys', drop: true });
    call('GET', `${devices}?hostname=a`);
    call('GET', '/tailnet/-/keys');
    expect(order('GET', '/calls')?.body).toEqual({
      calls: [
        { method: 'GET', path: '/api/v2/tailnet/-/devices', status: 200, at: start },
        { method: 'GET', path: '/api/v2/tailnet/-/keys', at: start },
      ],
    });
  });

  it('does not grow beyond a thousand', () => {
    const { order, call } = doors();
    for (let i = 0; i < 1100; i += 1) call('GET', `/device/${i}`);
    expect(order('GET', '/calls')?.body).toEqual({
      calls: Array.from({ length: 1000 }, (_, i) => ({ method: 'GET', path: `/api/v2/device/${i + 100}`, status: 404, at: start })),
    });
  });
});
