import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { freePorts } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import { type Backend, httpEcho, tcpEcho, tlsEcho } from './backends.ts';
import { askOverTls, repeat, tallyOf, type Tls, tlsExchange, whoAnswers } from './clients.ts';
import { stopAll } from './scene.ts';
import { secretFrom } from './secrets.ts';

const inner = authority('backends');
const outer = authority('gateway');
const names = ['one.example', 'x.wild.example', 'deep.wild.example', 'split.example', 'lost.example', 'nobody.example'];
const byBackend = (servername: string): Tls => ({ ca: inner.certificate, servername });
const byGateway = (servername: string): Tls => ({ ca: outer.certificate, servername });

describe.skipIf(envoy === undefined)('TLSRoutes', () => {
  let fleet: Fleet;
  let [pass, end, mixed]: readonly number[] = [];
  const backends: Backend[] = [];
  beforeAll(async () => {
    [pass, end, mixed] = await freePorts(3);
    const pair = certificateFor(names, inner);
    for (const name of ['one', 'two', 'three']) backends.push(await tlsEcho(name, pair));
    backends.push(await tcpEcho('plain'), await httpEcho('web'));
    fleet = await startFleet();
    const tls = (name: string, port: number | undefined, mode: string, more = ''): string =>
      `name: ${name}, protocol: TLS, port: ${port}, tls: { mode: ${mode}${mode === 'Terminate' ? ', certificateRefs: [{ name: outer }]' : ''} }${more}`;
    const to = (...shares: readonly string[]): string =>
      `rules: [{ backendRefs: [${shares.map((name) => `{ name: ${name}, port: 80 }`).join(', ')}] }]`;
    await fleet.apply(
      edge(
        tls('pass', pass, 'Passthrough'),
        tls('end', end, 'Terminate'),
        tls('mixed-pass', mixed, 'Passthrough', ', hostname: one.example'),
        tls('mixed-end', mixed, 'Terminate', ', hostname: end.example'),
        `name: mixed-web, protocol: HTTPS, port: ${mixed}, hostname: web.example, tls: { certificateRefs: [{ name: outer }] }`,
      ) +
        secretFrom('outer', certificateFor(['end.example', 'web.example'], outer)) +
        backends.map((backend) => service(backend.name, [backend.port])).join('') +
        route('TLSRoute', 'one', `hostnames: [one.example], ${to('one')}`, 'pass') +
        route('TLSRoute', 'wild', `hostnames: ["*.wild.example"], ${to('two')}`, 'pass') +
        route('TLSRoute', 'deep', `hostnames: [deep.wild.example], ${to('three')}`, 'pass') +
        route('TLSRoute', 'split', `hostnames: [split.example], ${to('one', 'missing')}`, 'pass') +
        route('TLSRoute', 'lost', `hostnames: [lost.example], ${to('missing')}`, 'pass') +
        route('TLSRoute', 'end', `hostnames: [end.example], ${to('plain')}`, 'end') +
        route('TLSRoute', 'mixed-pass', `hostnames: [one.example], ${to('one')}`, 'mixed-pass') +
        route('TLSRoute', 'mixed-end', `hostnames: [end.example], ${to('plain')}`, 'mixed-end') +
        route('HTTPRoute', 'mixed-web', to('web'), 'mixed-web'),
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    await stopAll(backends);
  });

  it.each([
    ['one.example', 'one'],
    ['x.wild.example', 'two'],
    ['deep.wild.example', 'three'],
  ])('pass %s through to %s, which shows its own certificate', async (name, backend) => {
    expect(await tlsExchange(pass ?? 0, byBackend(name))).toBe(`${backend}:hello`);
  });

  it.each(['nobody.example', 'lost.example'])('end connections for %s, which has no route or no backend', async (name) => {
    expect(await tlsExchange(pass ?? 0, byBackend(name))).toBe('');
  });

  it('end the connections of the share that has no backend', async () => {
    const {
      'one:hello': whole = 0,
      '': ended = 0,
      ...others
    } = tallyOf(await repeat(60, async () => tlsExchange(pass ?? 0, byBackend('split.example'))));
    expect(others).toEqual({});
    expect(Math.min(whole, ended)).toBeGreaterThan(12);
  });

  it('end TLS at the gateway where the listener says so, and pass bytes on', async () => {
    expect(await tlsExchange(end ?? 0, byGateway('end.example'))).toBe('plain:hello');
  });

  it('share a port with HTTPS, told apart by server name', async () => {
    expect(await tlsExchange(mixed ?? 0, byBackend('one.example'))).toBe('one:hello');
    expect(await tlsExchange(mixed ?? 0, byGateway('end.example'))).toBe('plain:hello');
    expect(whoAnswers(await askOverTls(mixed ?? 0, byGateway('web.example')))).toBe('web');
  });
});
