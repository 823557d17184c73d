/**
 * `npm run bench:churn`: in a fresh lab, how long a route takes from `kubectl apply` to its first answer, while thousands are added and then
 * edited under load, and which requests fail. Another controller can be measured by the same client:
 * `--install`, `--images`, `--wait` and `--gateway-class` say which. `-o json` prints the report with every failure.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findEnvoy, howToGetEnvoy } from '../scripts/envoy.ts';
import { adminApi } from './churn/admin-api.ts';
import type { ClientOptions, ClientReport } from './churn/client.ts';
import { type Lab, startLab } from '../test/support/lab-cluster.ts';
import { gatewayPath, stageFrom } from './churn/manifests.ts';
import { sampleLab } from './churn/processes.ts';
import { type Report, reportOf, textOf } from './churn/report.ts';

const root = join(import.meta.dirname, '..');

const { values } = parseArgs({
  options: {
    routes: { type: 'string', default: '3000' },
    /** Routes added in a second. */
    pace: { type: 'string', default: '20' },
    /** Services they share. */
    services: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '20' },
    edits: { type: 'string', default: '50' },
    /** Requests a second over all routes. */
    rate: { type: 'string', default: '600' },
    /** Between two questions for a route that is not seen yet, and how many are asked a second at most, lest they be the load. */
    'poll-ms': { type: 'string', default: '5' },
    'poll-rate': { type: 'string', default: '500' },
    connections: { type: 'string', default: '32' },
    'gateway-class': { type: 'string', default: 'tailplane' },
    /** Manifests, files or folders, separated by commas; applied in this order. */
    install: { type: 'string', default: [join(root, 'crds'), join(root, 'examples', 'install.yaml')].join(',') },
    images: { type: 'string', default: join(root, 'test', 'conformance', 'lab-images.yaml') },
    /** Namespaces whose pods must be ready before it begins, separated by commas. */
    wait: { type: 'string', default: 'tailplane-system' },
    output: { type: 'string', short: 'o', default: 'table' },
    'lab-name': { type: 'string', default: 'churn' },
    'lab-port': { type: 'string', default: '16643' },
  },
});

const list = (text: string): readonly string[] => text.split(',').filter((item) => item !== '');

/** The address on which the Gateway is reached, once it has one and says that it is programmed. */
const addressOf = async (kubeconfig: string): Promise<string> => {
  type Status = {
    readonly addresses?: readonly { readonly value: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  const api = await adminApi(kubeconfig);
  try {
    let status: Status = {};
    for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
      ({ status = {} } = (await api.get(gatewayPath)) as { readonly status?: Status });
      const [address] = status.addresses ?? [];
      const programmed = status.conditions?.some(({ type, status: is }) => type === 'Programmed' && is === 'True') === true;
      if (address !== undefined && programmed) return address.value;
    }
    throw new Error(`the Gateway is not programmed after two minutes: ${JSON.stringify(status)}`);
  } finally {
    await api.close();
  }
};

const measure = async (lab: Lab): Promise<Report> => {
  await lab.run(['apply', ...list(values.install)]);
  for (const namespace of list(values.wait)) await lab.run(['wait', namespace]);
  const services = Number(values.services);
  await lab.run(
    ['apply', '-'],
    stageFrom(values['gateway-class'], services)
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  const options: ClientOptions = {
    origin: `http://${await addressOf(lab.kubeconfig)}`,
    kubeconfig: lab.kubeconfig,
    routes: Number(values.routes),
    services,
    pace: Number(values.pace),
    rounds: Number(values.rounds),
    edits: Number(values.edits),
    rate: Number(values.rate),
    pollMs: Number(values['poll-ms']),
    pollRate: Number(values['poll-rate']),
    connections: Number(values.connections),
    giveUpMs: 30_000,
  };
  const sampler = sampleLab(lab.name);
  try {
    const printed = await lab.exec([process.execPath, join(import.meta.dirname, 'churn', 'client.ts'), JSON.stringify(options)]);
    return reportOf(options, JSON.parse(printed) as ClientReport, sampler.stop());
  } finally {
    sampler.stop();
  }
};

const envoy = await findEnvoy({ fetch: true, say: (line) => process.stderr.write(`${line}\n`) });
if (envoy === undefined) throw new Error(howToGetEnvoy);
const lab = await startLab({
  name: values['lab-name'],
  port: Number(values['lab-port']),
  images: list(values.images),
  environment: { TAILPLANE_ROOT: root, ENVOY_BIN: envoy },
});
try {
  const report = await measure(lab);
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report));
  if (report.verdicts.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await lab.down();
}
