import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { freePorts } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import { type Backend, httpEcho } from './backends.ts';
import { askOverTls, seenBy, type Tls, whoAnswers } from './clients.ts';
import { stopAll } from './scene.ts';
import { caConfigMap, secretFrom } from './secrets.ts';

const ca = authority('servers');
const clients = authority('clients');
const strangers = authority('strangers');
const keyPairs = {
  a: certificateFor(['a.example'], ca),
  wild: certificateFor(['*.wild.example'], ca),
  deep: certificateFor(['deep.wild.example'], ca),
};
const to = (name: string): Tls => ({ ca: ca.certificate, servername: name });

describe.skipIf(envoy === undefined)('HTTPS', () => {
  let fleet: Fleet;
  let [tls, strict, lenient]: readonly number[] = [];
  const backends: Backend[] = [];
  beforeAll(async () => {
    [tls, strict, lenient] = await freePorts(3);
    for (const name of ['one', 'two', 'three']) backends.push(await httpEcho(name));
    fleet = await startFleet();
    const https = (name: string, port: number | undefined, secret: string, hostname = ''): string =>
      `name: ${name}, protocol: HTTPS, port: ${port}, tls: { certificateRefs: [{ name: ${secret} }] }${hostname === '' ? '' : `, hostname: "${hostname}"`}`;
    const gateway = edge(
      https('a', tls, 'a', 'a.example'),
      https('wild', tls, 'wild', '*.wild.example'),
      https('deep', tls, 'deep', 'deep.wild.example'),
      https('strict', strict, 'a'),
      https('lenient', lenient, 'a'),
    );
    const validation = (mode: string): string =>
      `validation: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: clients }], mode: ${mode} }`;
    const frontend = `  tls:
    frontend:
      default: {}
      perPort:
        - { port: ${strict}, tls: { ${validation('AllowValidOnly')} } }
        - { port: ${lenient}, tls: { ${validation('AllowInsecureFallback')} } }
`;
    const toOne = (name: string, section: string, backend: string): string =>
      route('HTTPRoute', name, `rules: [{ backendRefs: [{ name: ${backend}, port: 80 }] }]`, section);
    await fleet.apply(
      gateway +
        frontend +
        Object.entries(keyPairs)
          .map(([name, pair]) => secretFrom(name, pair))
          .join('') +
        caConfigMap('clients', clients) +
        backends.map((backend) => service(backend.name, [backend.port])).join('') +
        toOne('a', 'a', 'one') +
        toOne('wild', 'wild', 'two') +
        toOne('deep', 'deep', 'three') +
        toOne('strict', 'strict', 'one') +
        toOne('lenient', 'lenient', 'one'),
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    await stopAll(backends);
  });

  it.each([
    ['a.example', 'one'],
    ['x.wild.example', 'two'],
    ['deep.wild.example', 'three'],
  ])('shows the certificate of the listener for %s, and serves its routes', async (name, backend) => {
    const answer = await askOverTls(tls ?? 0, to(name));
    expect(whoAnswers(answer)).toBe(backend);
    expect(seenBy(answer).headers['x-forwarded-proto']).toBe('https');
  });

  it.each([
    ['a.example', 'a.example', 200],
    ['a.example', 'x.wild.example', 421],
    ['x.wild.example', 'deep.wild.example', 421],
    ['deep.wild.example', 'a.example', 421],
    ['a.example', 'nobody.example', 404],
  ])('on a connection made for %s answers requests for %s with %i', async (servername, host, status) => {
    expect((await askOverTls(tls ?? 0, to(servername), '/', { host })).status).toBe(status);
  });

  it('ends connections for names that no listener has', async () => {
    await expect(askOverTls(tls ?? 0, to('nobody.example'))).rejects.toThrow(/ECONNRESET|disconnected/);
  });

  it('offers HTTP/2', async () => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port: tls ?? 0, ...to('a.example'), ALPNProtocols: ['h2', 'http/1.1'] });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe('h2');
    socket.destroy();
  });

  const withCertificate = (by: typeof clients): Tls => {
    const { certificate: cert, privateKey: key } = certificateFor(['client.example'], by);
    return { ...to('a.example'), cert, key };
  };

  it('with client validation takes clients whose certificate is valid, and no others', async () => {
    expect((await askOverTls(strict ?? 0, withCertificate(clients))).status).toBe(200);
    await expect(askOverTls(strict ?? 0, to('a.example'))).rejects.toThrow(/certificate required|ECONNRESET|EPIPE/);
    await expect(askOverTls(strict ?? 0, withCertificate(strangers))).rejects.toThrow(/unknown ca|ECONNRESET|EPIPE/);
  });

  it('with insecure fallback takes every client', async () => {
    expect((await askOverTls(lenient ?? 0, withCertificate(clients))).status).toBe(200);
    expect((await askOverTls(lenient ?? 0, to('a.example'))).status).toBe(200);
    expect((await askOverTls(lenient ?? 0, withCertificate(strangers))).status).toBe(200);
  });

  it('asks no client for a certificate on other ports', async () => {
    expect((await askOverTls(tls ?? 0, withCertificate(strangers))).status).toBe(200);
  });
});
