import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ListenError } from '../../xds/ads/wire.ts';
import { type HttpServer, httpServer, json } from './http.ts';

const failures: unknown[] = [];
const handlers = {
  '/ok': (query: URLSearchParams) => json(200, { said: query.get('say') }),
  '/bug': () => {
    throw new Error('secret detail');
  },
};

describe('httpServer', () => {
  let server: HttpServer;
  let port: number;
  beforeAll(async () => {
    server = httpServer({ host: '127.0.0.1', port: 0 }, handlers, (error) => failures.push(error));
    port = await server.listen();
  });
  afterAll(() => server.close());

  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
  /** What comes back for bytes that no client would send. */
  const raw = async (bytes: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.end(bytes);
    return text(socket);
  };

  it('answers GET, and HEAD without a body', async () => {
    expect(await (await get('/ok?say=hi')).json()).toEqual({ said: 'hi' });
    const head = await get('/ok', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'application/json', '']);
  });

  it('names what there is for a path that is not', async () => {
    for (const path of ['/', '/nothing', '/constructor', '/__proto__']) {
      const answer = await get(path);
      expect([answer.status, await answer.json()]).toEqual([404, { error: 'no such path; there is /ok, /bug' }]);
    }
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s, and does not read its body', async (method) => {
    const answer = await get('/ok', { method, body: 'x'.repeat(1_000_000) });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('answers 500 for a handler that throws, tells the log what and the client nothing of it, and lives', async () => {
    const answer = await get('/bug');
    expect([answer.status, await answer.text()]).toEqual([500, '{"error":"internal error; the log says more"}\n']);
    expect(failures).toEqual([new Error('secret detail')]);
    expect((await get('/ok')).status).toBe(200);
  });

  it.each([
    ['garbage', 'garbage\r\n\r\n', /^HTTP\/1.1 400/],
    ['a header too large', `GET /ok HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431/],
    ['a target that is no path', 'GET http://[ HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 40[04]/],
  ])('refuses %s and lives', async (_, bytes, answer) => {
    expect(await raw(bytes)).toMatch(answer);
    expect((await get('/ok')).status).toBe(200);
  });

  it('says that an address is taken', async () => {
    const second = httpServer({ host: '127.0.0.1', port }, handlers, () => undefined);
    await expect(second.listen()).rejects.toThrow(new ListenError(`127.0.0.1:${port}`, 'EADDRINUSE'));
  });

  it('closes connections that are open', async () => {
    const other = httpServer({ host: '127.0.0.1', port: 0 }, handlers, () => undefined);
    const socket = connect(await other.listen(), '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await other.close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});
