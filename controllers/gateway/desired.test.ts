import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { desiredFor } from './desired.ts';
import { contextInPlainText, contextWithTls, infrastructureFor, variants } from './fixtures.ts';
import { secretNameOf } from './secret.ts';

/** One line per value, as `Kind.field.field: value`: what differs between two variants is then a matter of lines. */
const linesOf = (objects: readonly KubeObject[]): readonly string[] =>
  objects.flatMap((object) => flat(object.metadata.name.endsWith('-xds') ? `${object.kind}-xds` : object.kind, { ...object }));

const flat = (path: string, value: unknown): readonly string[] => {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null) return [`${path}: ${JSON.stringify(value)}`];
  const entries = Object.entries(value);
  return entries.length === 0
    ? [`${path}: ${JSON.stringify(value)}`]
    : entries.flatMap(([field, below]) => flat(`${path}.${field}`, below));
};

const defaults = linesOf(desiredFor(infrastructureFor(), contextWithTls));

const differences = (objects: readonly KubeObject[]): string => {
  const lines = linesOf(objects);
  const gone = defaults.filter((line) => !lines.includes(line)).map((line) => `- ${line}`);
  const added = lines.filter((line) => !defaults.includes(line)).map((line) => `+ ${line}`);
  return `${[...gone, ...added].join('\n')}\n`;
};

const objectOf = (kind: string, objects: readonly KubeObject[]): KubeObject => {
  const object = objects.find((one) => one.kind === kind);
  if (object === undefined) throw new Error(`no ${kind}`);
  return object;
};

describe('desiredFor', () => {
  it('makes of a Gateway that asks for nothing what is written down', async () => {
    await expect(`${defaults.join('\n')}\n`).toMatchFileSnapshot('golden/defaults.txt');
  });

  it.each(Object.entries(variants).filter(([name]) => name !== 'defaults'))(
    'changes what the parameters say, and nothing else: %s',
    async (name, parameters) => {
      const file = `golden/${name.replaceAll(/[^a-z]+/g, '-')}.txt`;
      await expect(differences(desiredFor(infrastructureFor(parameters), contextWithTls))).toMatchFileSnapshot(file);
    },
  );

  it('needs neither Secret nor SDS files where xDS is in plain text', () => {
    const objects = desiredFor(infrastructureFor(), contextInPlainText);
    expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
    expect(Object.keys(objectOf('ConfigMap', objects)['data'] as object)).toEqual(['envoy.json']);
    expect(JSON.stringify(objectOf('Deployment', objects))).not.toContain('/etc/tailplane/xds');
  });

  it.each([
    ['has no port to serve', infrastructureFor({}, { ports: [] }), contextWithTls],
    ['has no certificate yet', infrastructureFor(), { ...contextWithTls, tls: {} }],
    ['is no object of a cluster', { ...infrastructureFor(), uid: undefined } as never, contextWithTls],
  ])('says nothing, so that all stays as it is, while a Gateway %s', (_, infrastructure, context) => {
    expect(desiredFor(infrastructure, context)).toEqual([]);
  });

  it('gives every object, and the pods, the labels and annotations of the Gateway, but never instead of ours', () => {
    const infrastructure = infrastructureFor(
      { replicas: 2 },
      {
        labels: { team: 'edge', 'app.kubernetes.io/managed-by': 'me' },
        annotations: { note: 'hello', 'gateway.tailscale.com/config-hash': 'none' },
      },
    );
    const objects = desiredFor(infrastructure, contextWithTls);
    const template = objectOf('Deployment', objects) as unknown as { readonly spec: { readonly template: KubeObject } };
    for (const { metadata } of [...objects, template.spec.template]) {
      expect(metadata.labels).toMatchObject({ team: 'edge', 'app.kubernetes.io/managed-by': 'tailplane' });
      expect(metadata.annotations).toMatchObject({ note: 'hello' });
    }
    expect(template.spec.template.metadata.annotations?.['gateway.tailscale.com/config-hash']).toMatch(/^[0-9a-f]{12}$/);
  });

  const templateOf = (...[infrastructure, context]: Parameters<typeof desiredFor>): unknown =>
    (objectOf('Deployment', desiredFor(infrastructure, context))['spec'] as { readonly template: unknown }).template;

  it('replaces pods for another bootstrap, but neither for a renewed certificate nor for another listener', () => {
    const before = templateOf(infrastructureFor(), contextWithTls);
    const renewed = { ...contextWithTls, tls: { credentials: { certificate: 'new', privateKey: 'new', caBundle: 'new' } } };
    expect(templateOf(infrastructureFor(), renewed)).toEqual(before);
    const listening = infrastructureFor({}, { ports: [{ port: 443, boundPort: 10_443, transport: 'TCP' }] });
    expect(templateOf(listening, contextWithTls)).toEqual(before);
    expect(templateOf(infrastructureFor(), { ...contextWithTls, xds: { host: 'elsewhere', port: 18_000 } })).not.toEqual(before);
  });

  it('gives Envoys of others what they show us, and nothing else', () => {
    const objects = desiredFor(infrastructureFor(), { ...contextWithTls, credentialsOnly: true });
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([`Secret ${secretNameOf(infrastructureFor())}`]);
    expect(desiredFor(infrastructureFor(), { ...contextInPlainText, credentialsOnly: true })).toEqual([]);
  });

  it.each([
    ['LoadBalancer', { loadBalancerIP: '192.0.2.1' }],
    ['ClusterIP', { clusterIP: '192.0.2.1' }],
    ['NodePort', {}],
  ] as const)('asks for the first static address as a Service of type %s can, and never for external IPs', (type, expected) => {
    const infrastructure = infrastructureFor({ service: { type } }, { addresses: ['192.0.2.1', '192.0.2.2'] });
    const { loadBalancerIP, clusterIP, externalIPs } = objectOf('Service', desiredFor(infrastructure, contextWithTls))['spec'] as Record<
      string,
      unknown
    >;
    expect(JSON.parse(JSON.stringify({ loadBalancerIP, clusterIP, externalIPs }))).toEqual(expected);
  });
});
