import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../test/support/certificates.ts';
import { envoy, startEnvoy, validateWithEnvoy } from '../test/support/envoy.ts';
import { freePorts } from '../test/support/ports.ts';
import { type ProvisionedOptions, provisionedBootstrapFor, sdsFilesFor } from './provisioned.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const temporaryFolder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-provisioned-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

const options: ProvisionedOptions = {
  xds: { host: 'tailplane.infra.svc', port: 18000 },
  admin: { host: '127.0.0.1', port: 19000 },
  probe: { host: '0.0.0.0', port: 19001 },
};

/** Files as a kubelet puts a volume's there: in a folder of their own, to which `..data` leads; a new version takes its place by a rename. */
const putVolume = async (folder: string, version: string, files: Readonly<Record<string, string>>): Promise<void> => {
  await mkdir(join(folder, version), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, version, name), text);
    await symlink(join('..data', name), join(folder, name)).catch(() => undefined); // there since the first version
  }
  await symlink(version, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
};

/** Takes TLS connections, tells who came, and hangs up, so that the Envoy comes again. */
const startDoor = async (context: SecureContextOptions) => {
  const server = createServer({ ...context, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  const visitors = new EventEmitter();
  server.on('secureConnection', (socket: TLSSocket) => {
    const { CN: name = '' } = socket.getPeerCertificate().subject;
    visitors.emit(String(name), name);
    socket.on('error', () => undefined).destroy();
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, server, next: (commonName: string) => once(visitors, commonName) };
};

describe('provisionedBootstrapFor', () => {
  it('leaves the node to the command line, so that all Envoys of all Gateways may share it', () => {
    expect(provisionedBootstrapFor(options).node).toBeUndefined();
  });

  it('answers /ready and /stats/prometheus where others can ask, and nothing else of the admin port', () => {
    const listeners = JSON.stringify(provisionedBootstrapFor(options).staticResources?.listeners);
    expect([...listeners.matchAll(/"path":"([^"]+)"/g)].map(([, path]) => path)).toEqual(['/ready', '/stats/prometheus']);
  });

  it('has no SDS files where xDS is without TLS', () => {
    expect(sdsFilesFor(options)).toEqual({});
  });

  describe.skipIf(envoy === undefined)('real Envoy', () => {
    it('accepts it without TLS', async () => {
      expect(
        await validateWithEnvoy(JSON.stringify({ ...provisionedBootstrapFor(options), node: { id: 'edge-0', cluster: 'infra/edge' } })),
      ).toBeUndefined();
    });

    it('shows a renewed certificate and believes a renewed CA without a restart', async () => {
      const dir = await temporaryFolder();
      const [oldCa, newCa] = [authority('old CA'), authority('new CA')];
      const [admin = 0, probe = 0] = await freePorts(2);
      const server = certificateFor(['xds.test'], oldCa);
      const door = await startDoor({ cert: server.certificate, key: server.privateKey });
      const certificates = join(dir, 'certificates');
      const volumeOf = (name: string, ca: typeof oldCa) => {
        const client = certificateFor([name], ca);
        return { 'tls.crt': client.certificate, 'tls.key': client.privateKey, 'ca.crt': ca.certificate };
      };
      await putVolume(certificates, '..1', volumeOf('first', oldCa));
      const withTls: ProvisionedOptions = {
        xds: { host: '127.0.0.1', port: door.port },
        admin: { host: '127.0.0.1', port: admin },
        probe: { host: '127.0.0.1', port: probe },
        tls: { serverName: 'xds.test', sds: dir, certificates },
      };
      for (const [name, text] of Object.entries(sdsFilesFor(withTls))) await writeFile(join(dir, name), text);
      const first = door.next('first');
      const running = await startEnvoy({
        bootstrap: JSON.stringify(provisionedBootstrapFor(withTls)),
        args: ['--service-cluster', 'infra/edge', '--service-node', 'edge-0'],
      });
      cleanups.push(() => running.stop());
      expect(await first).toEqual(['first']);

      const second = door.next('second');
      const renewed = certificateFor(['xds.test'], newCa);
      door.server.setSecureContext({ cert: renewed.certificate, key: renewed.privateKey });
      await putVolume(certificates, '..2', volumeOf('second', newCa));
      expect(await second).toEqual(['second']);
    });
  });
});
