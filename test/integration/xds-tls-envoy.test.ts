import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { type ProvisionedOptions, provisionedBootstrapFor, sdsFilesFor } from '../../bootstrap/provisioned.ts';
import type { KeyPair } from '../../controllers/xds-certificates/certificate.ts';
import type { AdsEvent } from '../../xds/ads/events.ts';
import type { AdsServer } from '../../xds/ads/server.ts';
import { envoy, startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { type Ca, ca, clientOf, config, running, serve, serverTls } from './xds-tls-world.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await Promise.all(running.splice(0).map((server) => server.drain(500)));
});

/** The next event of a kind; what must happen before it is done in `after`. */
const next = async <K extends AdsEvent['kind']>(
  { events$ }: AdsServer,
  kind: K,
  after: () => unknown = () => undefined,
): Promise<Extract<AdsEvent, { kind: K }>> => {
  const event = firstValueFrom(
    events$.pipe(
      filter((one): one is Extract<AdsEvent, { kind: K }> => one.kind === kind),
      timeout(20_000),
    ),
  );
  await after();
  return event;
};

/** Files as a kubelet keeps a Secret's: replaced all at once, by a link. */
class Volume {
  readonly folder: string;
  #versions = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  async put({ certificate, privateKey }: KeyPair, trusted: readonly Ca[]): Promise<void> {
    const version = `v${++this.#versions}`;
    await mkdir(join(this.folder, version), { recursive: true });
    const files = { 'tls.crt': certificate, 'tls.key': privateKey, 'ca.crt': trusted.map((one) => one.certificate).join('') };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.folder, version, name), text);
      if (this.#versions === 1) await symlink(join('..data', name), join(this.folder, name));
    }
    await symlink(version, join(this.folder, '..new'));
    await rename(join(this.folder, '..new'), join(this.folder, '..data'));
  }
}

/** An Envoy as tailplane provisions it, of Gateway `test/edge`. */
const startEdge = async (xdsPort: number, shown: KeyPair, trusted: readonly Ca[]): Promise<Volume> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-xds-tls-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const [sds, certificates] = [join(dir, 'sds'), join(dir, 'certificates')];
  await mkdir(sds);
  const volume = new Volume(certificates);
  await volume.put(shown, trusted);
  const options: ProvisionedOptions = {
    xds: { host: '127.0.0.1', port: xdsPort },
    admin: { host: '127.0.0.1', port: 0 },
    probe: { host: '127.0.0.1', port: await freePort() },
    tls: { serverName: 'localhost', sds, certificates },
  };
  for (const [name, text] of Object.entries(sdsFilesFor(options))) await writeFile(join(sds, name), text);
  const bootstrap = JSON.stringify(provisionedBootstrapFor(options));
  const started = await startEnvoy({ bootstrap, args: ['--service-cluster', 'test/edge', '--service-node', 'edge-0'] });
  cleanups.push(() => started.stop());
  return volume;
};

describe.skipIf(envoy === undefined)('a real Envoy', () => {
  const [old, young] = [ca('old'), ca('young')];

  it('goes through the replacement of the CA on one stream, and comes anew when the old one is trusted no longer', async () => {
    const { server, port } = await serve({ tls: serverTls(old) });
    let version = 10;
    const follows = () => next(server, 'current', () => server.publish('test/edge', config(version++)));
    let streams = 0;
    server.events$.subscribe(({ kind }) => kind === 'connected' && streams++);
    const connected = next(server, 'connected');
    const volume = await startEdge(port, clientOf(old, 'edge'), [old]);
    expect(await connected).toMatchObject({ group: 'test/edge', node: { id: 'edge-0', cluster: 'test/edge' }, served: true });
    await follows();

    server.secure(serverTls(old, [old, young]));
    await volume.put(clientOf(old, 'edge'), [old, young]);
    await follows();
    server.secure(serverTls(young, [old, young]));
    await volume.put(clientOf(young, 'edge'), [old, young]);
    await follows();
    expect(streams).toBe(1);

    const again = next(server, 'connected');
    const left = await next(server, 'disconnected', () => server.secure(serverTls(young)));
    expect(left.reason).toBe('the CA of the client certificate is not trusted any longer');
    await again;
    await follows();
  });

  it('comes again with its new certificate when the old one has expired', async () => {
    const { server, port } = await serve({ tls: serverTls(old), limits: { connectionGraceMs: 1000 } });
    const connected = next(server, 'connected');
    const volume = await startEdge(port, clientOf(old, 'edge', { notAfter: Date.now() + 5000 }), [old]);
    await connected;
    const [left, again] = [next(server, 'disconnected'), next(server, 'connected')];
    await volume.put(clientOf(old, 'edge'), [old]);
    expect((await left).reason).toBe('the client certificate has expired');
    expect(await again).toMatchObject({ group: 'test/edge' });
    await next(server, 'current', () => server.publish('test/edge', config(9)));
  });

  it("with another Gateway's certificate is denied, and with a stranger's refused", async () => {
    const { server, port } = await serve({ tls: serverTls(old) });
    const denied = next(server, 'denied');
    await startEdge(port, clientOf(old, 'other'), [old]);
    expect((await denied).reason).toBe('the client certificate is that of Gateway test/other, but node.cluster is "test/edge"');
    const refused = next(server, 'refused');
    await startEdge(port, clientOf(young, 'edge'), [old]);
    expect((await refused).reason).toBe('the client certificate is of a CA that is not trusted');
    expect(server.clients()).toEqual([]);
  });

  it('follows nobody whose certificate is of another CA than its own', async () => {
    const { server, port } = await serve({ tls: serverTls(young, [old, young]) });
    const refused = next(server, 'refused');
    const volume = await startEdge(port, clientOf(old, 'edge'), [old]);
    await refused;
    expect(server.clients()).toEqual([]);
    await next(server, 'connected', () => volume.put(clientOf(old, 'edge'), [old, young]));
  });
});
