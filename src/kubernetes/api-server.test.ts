import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import { connect } from './connect.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A connection to something that answers as it is told, and how many connections that took. */
const answering = async (answer: RequestListener): Promise<{ readonly api: ApiServer; readonly connections: () => number }> => {
  const folder = await mkdtemp(join(tmpdir(), 'tailplane-api-'));
  let connections = 0;
  const server: Server = createServer(answer).on('connection', () => (connections += 1));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stops.push(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const named = { name: 'a' };
  const kubeconfig = {
    'current-context': 'a',
    clusters: [{ ...named, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ ...named, user: {} }],
    contexts: [{ ...named, context: { cluster: 'a', user: 'a' } }],
  };
  const path = join(folder, 'kubeconfig');
  await writeFile(path, JSON.stringify(kubeconfig));
  return { api: connect({ kubeconfig: path }), connections: () => connections };
};

it('requests after one another do not take a connection each', async () => {
  const { api, connections } = await answering((_, response) => response.end('{}'));
  for (let index = 0; index < 20; index += 1) await api.request({ path: '/api' });
  expect(connections()).toBeLessThan(5);
});

it('when to come back is known of a busy server that answers in plain text', async () => {
  const { api } = await answering((_, response) => response.writeHead(429, { 'retry-after': '3' }).end('Too many requests'));
  await expect(api.request({ path: '/api' })).rejects.toMatchObject({ code: 429, answer: { details: { retryAfterSeconds: 3 } } });
});

it('a line of a stream that is no JSON breaks it off', async () => {
  const { api } = await answering((_, response) => response.end('{"a":1}\n<html>\n{"a":2}\n'));
  const lines: unknown[] = [];
  await expect(api.stream({ path: '/api', silenceMs: 5000 }, (line) => lines.push(line))).rejects.toMatchObject({
    name: 'UnreachableError',
  });
  expect(lines).toEqual([{ a: 1 }]);
});

it('a stream that falls silent is broken off', async () => {
  const { api } = await answering((_, response) => response.write('{"a":1}\n'));
  await expect(api.stream({ path: '/api', silenceMs: 50 }, () => undefined)).rejects.toMatchObject({ code: 'TimeoutError' });
});

it('a stream is the same however its bytes come', async () => {
  const bytes = Buffer.from('{"a":"ä"}\r\n{"a":"€"}\n{"a":"last"}');
  const cuts = [1, 5, bytes.indexOf('ä') + 1, bytes.indexOf('€') + 2, bytes.length - 1];
  const { api } = await answering((_, response) => {
    const pieces = [0, ...cuts].map((cut, index) => bytes.subarray(cut, cuts[index] ?? bytes.length));
    const next = (): unknown => {
      const piece = pieces.shift();
      return piece === undefined ? response.end() : response.write(piece, () => setImmediate(next));
    };
    next();
  });
  const lines: unknown[] = [];
  await api.stream({ path: '/api', silenceMs: 5000 }, (line) => lines.push(line));
  expect(lines).toEqual([{ a: 'ä' }, { a: '€' }, { a: 'last' }]);
});

it('an error of who hears a stream ends it', async () => {
  const { api } = await answering((_, response) => response.write('{"a":1}\n'));
  const thrown = new Error('enough');
  const hear = (): never => {
    throw thrown;
  };
  await expect(api.stream({ path: '/api', silenceMs: 5000 }, hear)).rejects.toBe(thrown);
});
