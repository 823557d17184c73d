/** The chart as Helm renders it, for tests. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { findHelm } from '../../scripts/helm.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

const run = promisify(execFile);

export const chart = join(import.meta.dirname, '../../charts/tailplane');

/** Helm's own path, where there is one. */
export const helmPath: string | undefined = await findHelm({ build: false, say: () => undefined });

/** Whether tests can have Helm: `describe.skipIf(!hasHelm)(…)`. In CI (`CI=true`) there must be one: then it throws. */
export const hasHelm: boolean = helmPath !== undefined;
if (!hasHelm && process.env['CI'] === 'true') throw new Error('no Helm: `node scripts/helm.ts` builds one');

/** What Helm prints; throws an error with what it says on stderr when it fails. */
export const runHelm = async (...args: readonly string[]): Promise<string> => {
  if (helmPath === undefined) throw new Error('unreachable: no Helm');
  // Nothing of the user's own Helm: no plugins, no repositories, no cluster.
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', HELM_PLUGINS: '/nonexistent' };
  const { stdout } = await run(helmPath, args, { env, maxBuffer: 64 << 20 });
  return stdout;
};

/** The chart's objects, rendered as release `tailplane` in `tailplane-system`; `values` are laid over the defaults. */
export const rendered = async (values: object = {}): Promise<readonly KubeObject[]> => {
  const flags = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
  const text = await runHelm('template', 'tailplane', chart, '--namespace', 'tailplane-system', ...flags);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
};
