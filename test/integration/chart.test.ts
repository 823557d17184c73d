import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCli } from '../../src/cli/run.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { chart, hasHelm, rendered, runHelm } from '../support/helm.ts';
import { type Rule, rulesIn } from './chart-rules.ts';

const variants: readonly (readonly [string, object])[] = [
  ['the defaults', {}],
  ['two namespaces', { watchNamespaces: ['shop', 'infra'] }],
  ['no provisioning', { provisioning: false, xds: { tls: 'off', host: 'xds.example.com' }, envoyImage: 'envoyproxy/envoy:v1.40.0' }],
  [
    'everything on',
    {
      autoscaling: { enabled: true },
      serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
      gatewayClass: { parameters: { replicas: 2 }, annotations: { a: 'b' } },
      image: { pullSecrets: [{ name: 'registry' }], tag: 'main' },
      networkPolicy: { xdsFrom: [{ namespaceSelector: {} }] },
      service: { annotations: { a: 'b' }, labels: { a: 'b' } },
      serviceAccount: { annotations: { a: 'b' } },
      podLabels: { a: 'b' },
      podAnnotations: { a: 'b' },
      nodeSelector: { a: 'b' },
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [{ maxSkew: 1 }],
      priorityClassName: 'high',
      extraArgs: ['--privileged-ports'],
      extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=400' }],
    },
  ],
  [
    'everything off',
    {
      rbac: { create: false },
      serviceAccount: { create: false, name: 'mine' },
      gatewayClass: { create: false },
      networkPolicy: { enabled: false },
      podDisruptionBudget: { enabled: false },
      resources: {},
      replicas: 1,
    },
  ],
];

const named = (objects: readonly KubeObject[]): readonly string[] =>
  objects.map(({ kind, metadata: { namespace, name } }) => `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`).toSorted();

const deploymentIn = (objects: readonly KubeObject[]) => {
  const found = objects.find(({ kind }) => kind === 'Deployment');
  return found as unknown as {
    readonly spec: {
      readonly replicas?: number;
      readonly template: {
        readonly spec: { readonly containers: readonly { readonly args: readonly string[]; readonly image: string }[] };
      };
    };
  };
};

describe.skipIf(!hasHelm)('the chart', () => {
  it('has nothing that Helm would warn of', async () => {
    expect(await runHelm('lint', '--strict', '--quiet', chart)).toBe('');
  });

  it.each(variants)('has the objects that it should with %s', async (title, values) => {
    const file = `chart-objects/${title.replaceAll(' ', '-')}.txt`;
    await expect(`${named(await rendered(values)).join('\n')}\n`).toMatchFileSnapshot(file);
  });

  it.each([
    ['the defaults', {}],
    ['two namespaces', { watchNamespaces: ['shop', 'infra'] }],
    ['no provisioning', { provisioning: false }],
  ])('gives these rights and no others with %s', async (title, values) => {
    const lines = rulesIn(await rendered(values)).map(lineOf);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`chart-rights/${title.replaceAll(' ', '-')}.txt`);
  });

  it.each(variants)('passes only flags that `serve` has with %s', async (_, values) => {
    const [container] = deploymentIn(await rendered(values)).spec.template.spec.containers;
    const flags = (container?.args ?? []).filter((argument) => argument.startsWith('-')).map((argument) => argument.split('=')[0] ?? '');
    let help = '';
    const out = (text: string): void => void (help += text);
    await runCli(['serve', '--help'], { out, err: out, environment: {}, terminal: false });
    expect(flags.length).toBeGreaterThan(5);
    expect(flags.filter((flag) => !help.includes(`${flag} `))).toEqual([]);
  });

  it('gives examples/install.yaml by its defaults', () => {
    const script = join(chart, '../../scripts/install-manifests.ts');
    expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
  });

  it('leaves the number of replicas to autoscaling where that is on', async () => {
    expect(deploymentIn(await rendered()).spec.replicas).toBe(2);
    expect(deploymentIn(await rendered({ autoscaling: { enabled: true } })).spec).not.toHaveProperty('replicas');
  });

  it('runs the version that the package has', async () => {
    const { version } = JSON.parse(readFileSync(join(chart, '../../package.json'), 'utf8')) as { readonly version: string };
    expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
    expect(deploymentIn(await rendered()).spec.template.spec.containers[0]?.image).toBe(`tailplane:${version}`);
  });

  it.each<[string, object, string]>([
    ['a slip', { replica: 3 }, "additional properties 'replica' not allowed"],
    ['a slip further in', { image: { repo: 'a' } }, "additional properties 'repo' not allowed"],
    ['a number as text', { replicas: 'two' }, 'got string, want integer'],
    ['a namespace that is none', { watchNamespaces: ['Shop'] }, "'Shop' does not match pattern"],
    ['a log level that is none', { logLevel: 'loud' }, "value must be one of 'trace'"],
    ['an account that nothing makes', { serviceAccount: { create: false } }, 'serviceAccount.name must say which one to use'],
    [
      'parameters where nobody looks',
      { watchNamespaces: ['shop'], gatewayClass: { parameters: { replicas: 2 } } },
      'gatewayClass.parameters live in namespace tailplane-system, which watchNamespaces must then hold',
    ],
  ])('refuses %s', async (_, values, message) => {
    await expect(rendered(values)).rejects.toThrow(message);
  });

  it('describes every value in its schema, and none else', () => {
    const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as object;
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as { readonly properties: object };
    // `global` is Helm's own: charts that hold this one may set it.
    expect(Object.keys(schema.properties).filter((name) => name !== 'global')).toEqual(Object.keys(values));
  });
});

const lineOf = ({ where, role, group, resource, names, verbs }: Rule): string =>
  `${where}  ${role}  ${resource}${group === '' ? '' : `.${group}`}${names.length > 0 ? ` (${names.join(', ')})` : ''}  ${verbs.join(' ')}`;
