/** Runs the commands of docs/two-clusters-one-name.md, on two real clusters and a real tailnet, and compares what they say with the page. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, certificateFor } from '../support/certificates.ts';
import { hasLab } from '../support/lab-cluster.ts';
import { eventually } from '../support/world.ts';
import { type Cluster, install, startCluster } from './sharing-cluster/cluster.ts';
import { recordingOf } from './sharing-cluster/recording.ts';
import { startTailnet, type Tailnet } from './sharing-cluster/tailnet.ts';
import { peers, suffix, worldOf } from './sharing-cluster/world.ts';

const patience = 180_000;
const page = join(import.meta.dirname, '..', '..', 'docs', 'two-clusters-one-name.md');
const { files, steps } = recordingOf(await readFile(page, 'utf8'));

describe.skipIf(!hasLab)('docs/two-clusters-one-name.md', () => {
  const clusters = new Map<string, Cluster>();
  let tailnet: Tailnet | undefined;
  let folder = '';

  beforeAll(async () => {
    const issuer = authority();
    folder = await mkdtemp(join(tmpdir(), 'tailplane-recording-'));
    await writeFile(join(folder, 'ca.crt'), issuer.certificate);
    for (const [name, content] of files) await writeFile(join(folder, name), content);
    // Who asks while nobody hosts the service is not told so, and would wait for minutes.
    await writeFile(join(folder, '.curlrc'), 'max-time = 10\n');
    // The tailnet is in the network of the one that stays.
    clusters.set('east', await startCluster('east', 16647));
    clusters.set('west', await startCluster('west', 16648));
    const there = (tailnet = await startTailnet(clusterOf('east').lab));
    await there.admit(clusterOf('west').lab);
    for (const [name, cluster] of clusters) {
      await install(cluster, name);
      await cluster.apply(worldOf(name, certificateFor([`*.${suffix}`], issuer)));
    }
  }, 480_000);

  afterAll(async () => {
    await tailnet?.stop();
    for (const { lab } of clusters.values()) await lab.down();
    await rm(folder, { recursive: true });
  }, 60_000);

  const clusterOf = (name: string): Cluster => {
    const cluster = clusters.get(name);
    if (cluster === undefined) throw new Error(`there is no ${name}`);
    return cluster;
  };
  const run = async (where: string, command: string): Promise<string> => {
    if (where === 'lab') return powerOff(command.replace(/^power-off /, ''));
    if (where in peers) {
      const proxy = `http://${peers[where as keyof typeof peers].proxy}`;
      const settings = ['env', `https_proxy=${proxy}`, `CURL_CA_BUNDLE=${join(folder, 'ca.crt')}`, `CURL_HOME=${folder}`];
      return clusterOf('east').lab.exec([...settings, 'bash', '-c', command]);
    }
    const env = { ...process.env, KUBECONFIG: clusterOf(where).lab.kubeconfig };
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: folder, env });
    return stdout;
  };
  const powerOff = async (name: string): Promise<string> => {
    await clusterOf(name).lab.down();
    clusters.delete(name);
    return '';
  };

  it('has commands', () => {
    expect(steps.length).toBeGreaterThan(8);
  });

  it.each(steps.map(({ where, command, output }) => [where, command, output] as const))(
    '%s$ %s',
    async (where, command, output) => {
      // What changes something says so once; what looks may have to look again.
      const isLook = /^curl|^kubectl (?:-n \w+ )?get/.test(command);
      const said = async (): Promise<string> => (await run(where, command)).trimEnd();
      expect(isLook ? await eventually(said, (text) => text === output, patience) : await said()).toBe(output);
    },
    patience + 30_000,
  );
});
