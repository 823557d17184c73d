/** `npm run conformance`: the Gateway API's official suite against tailplane, installed by its chart in the lab. Writes docs/conformance/. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { kinds } from '../src/api/kinds.ts';
import { packageVersion } from '../src/cli/package.ts';
import type { ApiServer } from '../src/kubernetes/api-server.ts';
import { connect } from '../src/kubernetes/connect.ts';
import { pathOf, type Resource } from '../src/kubernetes/resource.ts';
import { type Lab, startLab } from '../test/support/lab-cluster.ts';
import { findEnvoy, howToGetEnvoy } from './envoy.ts';

const root = join(import.meta.dirname, '..');
const profiles = ['GATEWAY-HTTP', 'GATEWAY-GRPC', 'GATEWAY-TLS', 'GATEWAY-TCP', 'GATEWAY-UDP'];

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      /** Leave the lab running afterwards. */
      keep: { type: 'boolean' },
      /** Do not write the report into docs/conformance. */
      'no-report': { type: 'boolean' },
      'run-test': { type: 'string' },
    },
  });
  const envoy = await findEnvoy({ fetch: true, say: () => undefined });
  if (envoy === undefined) throw new Error(howToGetEnvoy);
  const images = [join(root, 'test', 'conformance', 'lab-images.yaml')];
  const lab = await startLab({ name: 'conformance', port: 16543, images, environment: { TAILPLANE_ROOT: root, ENVOY_BIN: envoy } });
  try {
    await lab.run(['apply', join(root, 'crds'), join(root, 'examples', 'install.yaml')]);
    await lab.run(['wait', 'tailplane-system']);
    await accepted(connect({ kubeconfig: lab.kubeconfig }));
    const version = packageVersion();
    const report = join(root, 'docs', 'conformance', `experimental-v${version}-default-report.yaml`);
    const only = values['run-test'];
    return await runToEnd(lab, [
      'conformance',
      '--gateway-class=tailplane',
      `--profiles=${profiles.join(',')}`,
      `--implementation=tailplane,tailplane,https://github.com/tailplane/tailplane,v${version}`,
      ...(values['no-report'] === true || only !== undefined ? [] : ['--report', report]),
      ...(only === undefined ? [] : ['--run-test', only]),
      ...positionals,
    ]);
  } finally {
    if (values.keep === true) process.stderr.write(`the lab is still there: KUBECONFIG=${lab.kubeconfig}\n`);
    else await lab.down();
  }
};

/** The suite asks the class what it can do as soon as it starts. */
const accepted = async (api: ApiServer): Promise<void> => {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await setTimeout(250)) {
    const { status } = (await api.request({ path: pathOf(gatewayClasses, { name: 'tailplane' }) })) as GatewayClass;
    if (status?.conditions?.some(({ type, status: is }) => type === 'Accepted' && is === 'True') === true) return;
  }
  throw new Error('GatewayClass tailplane is not accepted after a minute');
};

type GatewayClass = { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };
const gatewayClasses: Resource = { ...kinds.GatewayClass, version: kinds.GatewayClass.versions[0] };

const runToEnd = async ({ program, env }: Lab, args: readonly string[]): Promise<number> => {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};

process.exitCode = await main();
