/** `npm run conformance`: the Gateway API's official suite against tailplane, installed by its chart in the lab. Writes docs/conformance/. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gatewayGroup } from '../src/api/kinds.ts';
import { packageVersion } from '../src/cli/package.ts';
import { connect } from '../src/kubernetes/api-server.ts';
import { pathOf, type Resource } from '../src/kubernetes/resource.ts';
import { labProgram } from '../test/support/lab.ts';
import { findEnvoy, howToGetEnvoy } from './envoy.ts';

const root = join(import.meta.dirname, '..');
const profiles = ['GATEWAY-HTTP', 'GATEWAY-GRPC', 'GATEWAY-TLS', 'GATEWAY-TCP', 'GATEWAY-UDP'];

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      /** Leave the lab running, and use one that runs. */
      keep: { type: 'boolean' },
      /** Do not write the report into docs/conformance. */
      'no-report': { type: 'boolean' },
    },
  });
  const lab = labProgram('lab', 'cluster');
  if (lab === undefined) throw new Error('no lab: it stands beside the checkout, as ../shared/lab');
  const envoy = await findEnvoy({ fetch: true, say: () => undefined });
  if (envoy === undefined) throw new Error(howToGetEnvoy);
  const scratch = await mkdtemp(join(tmpdir(), 'tailplane-conformance-'));
  const environment = {
    LAB_NAME: 'conformance',
    LAB_PORT: '16543',
    LAB_STATE: join(scratch, 'state'),
    ...(values.keep === true ? { LAB_STATE: join(tmpdir(), 'tailplane-conformance-state') } : {}),
    TAILPLANE_ROOT: root,
    ENVOY_BIN: envoy,
  };
  const run = (...args: readonly string[]): Promise<number> => runToEnd(lab, args, environment);
  const must = async (...args: readonly string[]): Promise<void> => {
    if ((await run(...args)) !== 0) throw new Error(`lab ${args.join(' ')} failed`);
  };
  try {
    await must('up', '--images', join(root, 'test', 'conformance', 'lab-images.yaml'));
    await must('apply', join(root, 'crds'), join(root, 'examples', 'install.yaml'));
    await must('wait', 'tailplane-system');
    await accepted(lab, environment);
    const report = join(root, 'docs', 'conformance', `experimental-v${packageVersion()}-default-report.yaml`);
    return await run(
      'conformance',
      '--gateway-class',
      'tailplane',
      '--profiles',
      profiles.join(','),
      '--implementation',
      `tailplane,tailplane,https://github.com/tailplane/tailplane,v${packageVersion()}`,
      ...(values['no-report'] === true ? [] : ['--report', report]),
      ...positionals,
    );
  } finally {
    if (values.keep !== true) {
      await run('down');
      await rm(scratch, { recursive: true, force: true });
    }
  }
};

/** The suite asks the class what it can do as soon as it starts. */
const accepted = async (lab: string, environment: Record<string, string>): Promise<void> => {
  const kubeconfig = execFileSync(lab, ['kubeconfig'], { encoding: 'utf8', env: { ...process.env, ...environment } }).trim();
  const api = connect({ kubeconfig });
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await setTimeout(250)) {
    const { status } = (await api.request({ path: pathOf(gatewayClasses, { name: 'tailplane' }) })) as GatewayClass;
    if (status?.conditions?.some(({ type, status: is }) => type === 'Accepted' && is === 'True') === true) return;
  }
  throw new Error('GatewayClass tailplane is not accepted after a minute');
};

type GatewayClass = { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };
const gatewayClasses: Resource = { group: gatewayGroup, version: 'v1', kind: 'GatewayClass', plural: 'gatewayclasses', scope: 'Cluster' };

const runToEnd = async (program: string, args: readonly string[], environment: Record<string, string>): Promise<number> => {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...environment } });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};

process.exitCode = await main();
