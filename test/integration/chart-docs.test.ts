import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helmPath } from '../support/helm.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The command blocks of a page, in order. Those that need running pods are marked ```sh cluster, and left out. */
const blocksOf = (page: string): readonly { readonly page: string; readonly block: string }[] =>
  [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => ({ page: page.split('\n', 1)[0] ?? '', block }));

const [install = '', after = ''] = readFileSync(join(root, 'docs/install.md'), 'utf8').split(/^(?=## Upgrade)/m);
const kubernetes = readFileSync(join(root, 'docs/kubernetes.md'), 'utf8');
const blocks = [install, kubernetes, after].flatMap(blocksOf);

const hasKubectl = ((): boolean => {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
if (!hasKubectl && process.env['CI'] === 'true') throw new Error('no kubectl on PATH');

describe.skipIf(!hasApiServer || helmPath === undefined || !hasKubectl)('the commands of docs/install.md and docs/kubernetes.md', () => {
  let server: TestApiServer;
  let dir: string;
  let environment: Record<string, string>;
  const shell = async (script: string): Promise<string> =>
    (await run('bash', ['--norc', '-euo', 'pipefail', '-c', script], { cwd: dir, env: environment })).stdout;

  beforeAll(async () => {
    // The reader has the Gateway API so far, and nothing of ours.
    server = await startApiServer({ crds: 'gateway-api' });
    dir = await mkdtemp(join(tmpdir(), 'tailplane-docs-'));
    for (const folder of ['charts', 'crds', 'examples']) await symlink(join(root, folder), join(dir, folder));
    const path = [dirname(helmPath ?? ''), process.env['PATH'] ?? ''].join(delimiter);
    environment = { PATH: path, HOME: dir, KUBECONFIG: server.kubeconfig };
  });
  afterAll(async () => {
    await server?.stop();
    if (dir !== undefined) await rm(dir, { recursive: true });
  });

  it.each(blocks)('work as shown, one after the other: $page: $block', async ({ block }) => {
    await expect(shell(block)).resolves.toEqual(expect.any(String));
  });

  it('leave nothing behind in the end', async () => {
    expect(await shell('kubectl get crd -o name | grep -v gateway.networking || true')).toBe('');
    const kinds = 'clusterrole,clusterrolebinding,role,rolebinding,deployment,service,networkpolicy,poddisruptionbudget,gatewayclass';
    expect(await shell(`kubectl get ${kinds} --all-namespaces -o name -l app.kubernetes.io/name=tailplane`)).toBe('');
  });
});
