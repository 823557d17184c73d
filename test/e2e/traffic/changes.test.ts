import { Agent } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { type Answer, ask, startLoad } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { edge, eventually, route, service } from '../../support/world.ts';
import { type HttpBackend, httpEcho } from './backends.ts';
import { seenBy, whoAnswers } from './clients.ts';
import { secretFrom } from './secrets.ts';

const ca = authority('servers');
const host = { host: 'a.example' };
const isGood = ({ status }: Answer): boolean => status === 200;

describe.skipIf(envoy === undefined).each(['GRPC', 'DELTA_GRPC'] as const)('a change under load, %s', (apiType) => {
  let fleet: Fleet;
  let [plain = 0, tls = 0]: readonly number[] = [];
  let one: HttpBackend;
  let two: HttpBackend;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  beforeAll(async () => {
    [plain = 0, tls = 0] = await freePorts(2);
    one = await httpEcho('one', async ({ path }) => {
      if (path === '/held') await released;
      return { status: 200 };
    });
    two = await httpEcho('two');
    fleet = await startFleet({ apiType });
  });
  afterAll(async () => {
    await fleet?.stop();
    await one.stop();
    await two.stop();
  });

  const certificate = certificateFor(['a.example'], ca);
  type World = { readonly routes: string; readonly services: string; readonly secret?: string; readonly listeners?: readonly string[] };
  const apply = async ({ routes, services, secret = secretFrom('certificate', certificate), listeners = [] }: World): Promise<void> => {
    const https = `name: https, protocol: HTTPS, port: ${tls}, hostname: a.example, tls: { certificateRefs: [{ name: certificate }] }`;
    await fleet.apply(edge(`name: http, protocol: HTTP, port: ${plain}`, https, ...listeners) + secret + routes + services);
  };
  const to = (name: string): string => route('HTTPRoute', 'a', `rules: [{ backendRefs: [{ name: ${name}, port: 80 }] }]`);
  const pair = (): string => service('one', [one.port]) + service('two', [two.port]);
  const who = async (): Promise<string> => whoAnswers(await ask(plain, '/', host));
  const untilAnsweredBy = async (name: string): Promise<string> => eventually(who, (answered) => answered === name);

  /** What was not answered with 200 while `change` went on, on connections made for one request and on ones that are kept. */
  const failuresDuring = async (change: () => Promise<void>): Promise<readonly string[]> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    const kept: string[] = [];
    let changing = true;
    const keeping = async (): Promise<void> => {
      while (changing) kept.push(await ask(plain, '/', host, { agent }).then(whoAnswers, String));
    };
    const load = startLoad(plain, host, isGood, 2);
    const loops = Promise.all([keeping(), keeping()]);
    const changed = change().finally(() => (changing = false));
    const [{ failures, requests }] = await Promise.all([changed.then(load.stop, load.stop), loops]);
    agent.destroy();
    await changed;
    if (Math.min(requests, kept.length) < 5) throw new Error('this was no load');
    return [...failures, ...kept.filter((answered) => answered !== 'one' && answered !== 'two')];
  };

  it('of a route sends requests elsewhere, and none fails', async () => {
    await apply({ routes: to('one'), services: pair() });
    const failures = await failuresDuring(async () => {
      for (const name of ['two', 'one', 'two', 'one']) {
        await apply({ routes: to(name), services: pair() });
        await untilAnsweredBy(name);
      }
    });
    expect(failures).toEqual([]);
  });

  it('of endpoints sends requests elsewhere, and none fails', async () => {
    await apply({ routes: to('it'), services: service('it', [one.port]) });
    const failures = await failuresDuring(async () => {
      for (const { name, port } of [two, one, two, one]) {
        await apply({ routes: to('it'), services: service('it', [port]) });
        await untilAnsweredBy(name);
      }
      await apply({ routes: to('it'), services: service('it', [one.port, two.port]) });
      expect(new Set([await untilAnsweredBy('one'), await untilAnsweredBy('two')]).size).toBe(2);
    });
    expect(failures).toEqual([]);
  });

  it('that adds a Service with its route and removes another at once fails no request', async () => {
    await apply({ routes: to('round-0'), services: service('round-0', [one.port]) });
    const failures = await failuresDuring(async () => {
      for (let round = 1; round <= 12; round += 1) {
        const backend = round % 2 === 0 ? one : two;
        await apply({ routes: to(`round-${round}`), services: service(`round-${round}`, [backend.port]) });
        await untilAnsweredBy(backend.name);
      }
    });
    expect(failures).toEqual([]);
    const clusters = await eventually(
      async () => fleet.envoy.admin('/clusters'),
      (text) => !text.includes('Service/default/round-11/80'),
    );
    expect(clusters).toContain('Service/default/round-12/80');
  });

  it('that takes a Service away lets a request that it still owes an answer end well', async () => {
    await apply({ routes: to('one'), services: pair() });
    const held = ask(plain, '/held', host);
    await eventually(
      async () => one.seen.some(({ path }) => path === '/held'),
      (isThere) => isThere,
    );
    await apply({ routes: to('two'), services: service('two', [two.port]) });
    await untilAnsweredBy('two');
    release();
    expect(seenBy(await held)).toMatchObject({ backend: 'one', path: '/held' });
  });

  const session = async (): Promise<ClientHttp2Session> => {
    const connected = connect(`https://127.0.0.1:${tls}`, { ca: ca.certificate, servername: 'a.example' });
    await once(connected, 'connect');
    return connected;
  };
  const askOn = async (connected: ClientHttp2Session): Promise<string> =>
    (JSON.parse(await text(connected.request({ ':path': '/', ':authority': 'a.example' }))) as { readonly backend: string }).backend;
  const serialOf = (connected: ClientHttp2Session): string => (connected.socket as TLSSocket).getPeerCertificate().serialNumber;

  it('of a certificate is shown to new connections, and drops none', async () => {
    await apply({ routes: to('one'), services: pair() });
    const before = await session();
    expect(await askOn(before)).toBe('one');
    await apply({ routes: to('one'), services: pair(), secret: secretFrom('certificate', certificateFor(['a.example'], ca)) });
    const after = await session();
    expect(serialOf(after)).not.toBe(serialOf(before));
    expect([await askOn(before), await askOn(after), before.closed]).toEqual(['one', 'one', false]);
    before.destroy();
    after.destroy();
  });

  it('of routes, of other listeners on the port, and of endpoints leaves open connections alone', async () => {
    await apply({ routes: to('one'), services: pair() });
    const connected = await session();
    let saidGoodbye = false;
    connected.once('goaway', () => (saidGoodbye = true));
    expect(await askOn(connected)).toBe('one');
    await apply({ routes: to('two'), services: pair() });
    expect(
      await eventually(
        async () => askOn(connected),
        (answered) => answered === 'two',
      ),
    ).toBe('two');
    const more = `name: more, protocol: HTTPS, port: ${tls}, hostname: more.example, tls: { certificateRefs: [{ name: certificate }] }`;
    await apply({ routes: to('two'), services: service('two', [one.port, two.port]), listeners: [more] });
    expect(
      await eventually(
        async () => askOn(connected),
        (answered) => answered === 'one',
      ),
    ).toBe('one');
    expect([connected.closed, saidGoodbye]).toEqual([false, false]);
    connected.destroy();
  });
});
