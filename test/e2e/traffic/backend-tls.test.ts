import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { edge, service } from '../../support/world.ts';
import { type HttpBackend, httpsEcho } from './backends.ts';
import { whoAnswers } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';
import { caConfigMap, secretFrom } from './secrets.ts';

const ours = authority('ours');
const system = authority('system');
const strangers = authority('strangers');

const byCa = (name: string): string => `caCertificateRefs: [{ group: "", kind: ConfigMap, name: ${name} }]`;

/** What each Service's policy wants of the certificate that `one.example` and `alt.example` are in. */
const policies = {
  good: `hostname: one.example, ${byCa('ours')}`,
  'other-name': `hostname: two.example, ${byCa('ours')}`,
  'other-ca': `hostname: one.example, ${byCa('strangers')}`,
  alternative: `hostname: sni.example, ${byCa('ours')}, subjectAltNames: [{ type: Hostname, hostname: alt.example }]`,
  'no-alternative': `hostname: one.example, ${byCa('ours')}, subjectAltNames: [{ type: Hostname, hostname: two.example }]`,
  'well-known': 'hostname: one.example, wellKnownCACertificates: System',
  'no-ca': `hostname: one.example, ${byCa('missing')}`,
} as const;

const policy = (name: string, validation: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name}, namespace: default }
spec: { targetRefs: [{ group: "", kind: Service, name: ${name} }], validation: { ${validation} } }
`;

describe.skipIf(envoy === undefined)('TLS to backends with a BackendTLSPolicy', () => {
  let scene: Scene;
  let dir: string;
  let backends: readonly [HttpBackend, HttpBackend];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tailplane-ca-'));
    const systemCaFile = join(dir, 'ca.crt');
    await writeFile(systemCaFile, system.certificate);
    const names = ['one.example', 'alt.example'];
    backends = [await httpsEcho('secure', certificateFor(names, ours)), await httpsEcho('known', certificateFor(names, system))];
    scene = await startScene({}, { translation: { systemCaFile } });
    const [secure, known] = backends;
    await scene.apply(
      caConfigMap('ours', ours) +
        caConfigMap('strangers', strangers) +
        Object.entries(policies)
          .map(([name, validation]) => policy(name, validation) + service(name, [name === 'well-known' ? known.port : secure.port]))
          .join('') +
        service('unverified', [secure.port], 'appProtocol: https') +
        service('plain', [secure.port]) +
        httpRoute(
          'tls',
          ...[...Object.keys(policies), 'unverified', 'plain'].map((name) => ruleFor(`/${name}`, '', `{ name: ${name}, port: 80 }`)),
        ),
    );
  });
  afterAll(async () => {
    await scene?.stop();
    for (const backend of backends ?? []) await backend.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it.each([
    ['good', 'secure', 'a certificate by the named CA, for the named host'],
    ['alternative', 'secure', 'one for a subject alternative name that is named'],
    ['well-known', 'known', "one by the system's CAs"],
    ['unverified', 'secure', 'any, where only appProtocol asks for TLS'],
  ])('%s trusts %s: %s', async (path, backend) => {
    expect(whoAnswers(await scene.ask(`/${path}`))).toBe(backend);
  });

  it.each([
    ['other-name', 'a certificate for another host'],
    ['other-ca', 'one by another CA'],
    ['no-alternative', 'one without the alternative name that is asked for'],
    ['no-ca', 'any while the CA cannot be found'],
    ['plain', 'and without a policy there is no TLS'],
  ])('%s does not trust %s', async (path) => {
    const before = backends[0].seen.length;
    expect((await scene.ask(`/${path}`)).status).toBeGreaterThanOrEqual(500);
    expect(backends[0].seen.length).toBe(before);
  });

  it("shows the Gateway's certificate to backends that ask for one", async () => {
    const clients = authority('clients');
    const backend = await httpsEcho('mutual', certificateFor(['one.example'], ours), clients.certificate);
    const configuration = (gatewayTls: string): string =>
      edge(`name: http, protocol: HTTP, port: ${scene.port}`) +
      gatewayTls +
      secretFrom('client', certificateFor(['gateway.example'], clients)) +
      caConfigMap('ours', ours) +
      policy('mutual', policies.good) +
      service('mutual', [backend.port]) +
      httpRoute('mutual', ruleFor('/', '', '{ name: mutual, port: 80 }'));
    await scene.fleet.apply(configuration('  tls: { backend: { clientCertificateRef: { name: client } } }\n'));
    expect(whoAnswers(await scene.ask('/'))).toBe('mutual');
    await scene.fleet.apply(configuration(''));
    expect((await scene.ask('/')).status).toBe(503);
    await backend.stop();
  });
});
