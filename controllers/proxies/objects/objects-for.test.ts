import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { proxySetFor, variants } from '../fixtures.ts';
import { objectsFor } from './objects-for.ts';

/** One line per value, as `Kind.field.field: value`: what differs between two variants is then a matter of lines. */
const linesOf = (objects: readonly KubeObject[]): readonly string[] => objects.flatMap((object) => flat(object.kind, { ...object }));

const flat = (path: string, value: unknown): readonly string[] => {
  if (value === undefined) return [];
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return entries.length === 0
    ? [`${path}: ${JSON.stringify(value)}`]
    : entries.flatMap(([field, below]) => flat(`${path}.${field}`, below));
};

const defaults = linesOf(objectsFor(proxySetFor(), {}));

const differences = (objects: readonly KubeObject[]): string => {
  const lines = linesOf(objects);
  const gone = defaults.filter((line) => !lines.includes(line)).map((line) => `- ${line}`);
  const added = lines.filter((line) => !defaults.includes(line)).map((line) => `+ ${line}`);
  return `${[...gone, ...added].join('\n')}\n`;
};

const partOf = (kind: string, objects: readonly KubeObject[], field = 'spec'): unknown => objects.find((one) => one.kind === kind)?.[field];

describe('objectsFor', () => {
  it('makes of a set of two userspace proxies what is written down', async () => {
    await expect(`${defaults.join('\n')}\n`).toMatchFileSnapshot('golden/defaults.txt');
  });

  it.each(Object.entries(variants).filter(([name]) => name !== 'defaults'))(
    'changes what the set says, and nothing else: %s',
    async (name, set) => {
      await expect(differences(objectsFor(set, {}))).toMatchFileSnapshot(`golden/${name.replaceAll(/[^a-z]+/g, '-')}.txt`);
    },
  );

  it('says nothing, so that nothing is made, for an owner that is going or is no object of a cluster', () => {
    expect(objectsFor(proxySetFor({ going: true }), {})).toEqual([]);
    expect(objectsFor({ ...proxySetFor(), uid: undefined } as never, {})).toEqual([]);
  });

  const templateOf = (set: Parameters<typeof objectsFor>[0]): unknown =>
    (partOf('StatefulSet', objectsFor(set, {})) as { readonly template: unknown }).template;

  it('does not replace pods for what they need not start from: other users, other targets, a replica more or less', () => {
    const forwarding = variants['forwarding'] ?? proxySetFor();
    expect(templateOf({ ...forwarding, gateways: [], forwards: new Map() })).toEqual(templateOf(forwarding));
    expect(templateOf(proxySetFor({ replicas: 4 }))).toEqual(templateOf(proxySetFor({ replicas: 1 })));
    expect(templateOf(proxySetFor({ replicas: 5 }))).not.toEqual(templateOf(proxySetFor({ replicas: 4 })));
  });

  it('runs no more replicas than are prepared, and never more than are wanted', () => {
    const replicas = (prepared: number): unknown =>
      (partOf('StatefulSet', objectsFor(proxySetFor(), { prepared })) as { readonly replicas: unknown }).replicas;
    expect([0, 1, 2, 3].map(replicas)).toEqual([0, 1, 2, 2]);
  });

  it('lets nobody at the HTTP proxy where no Gateway uses it', () => {
    const rules = (gateways: Parameters<typeof proxySetFor>[0]): unknown =>
      (partOf('NetworkPolicy', objectsFor(proxySetFor(gateways), {})) as { readonly ingress: unknown }).ingress;
    expect(JSON.stringify(rules({}))).toContain('1055');
    expect(JSON.stringify(rules({ gateways: [] }))).not.toContain('1055');
    expect(JSON.stringify(rules({ direction: 'ingress' }))).not.toContain('1055');
  });

  it('gives proxies no right to Secrets other than their own, and none at all without replicas', () => {
    expect(partOf('Role', objectsFor(proxySetFor({ replicas: 1 }), {}), 'rules')).toContainEqual({
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: ['db-egress-0', 'db-egress-0-config'],
      verbs: ['get', 'patch', 'update'],
    });
    expect(JSON.stringify(partOf('Role', objectsFor(proxySetFor({ replicas: 0 }), {}), 'rules'))).not.toContain('secrets');
  });

  it("bears no label of Tailscale's operator, whose objects those would become", () => {
    for (const set of Object.values(variants))
      for (const { metadata } of objectsFor(set, {}))
        expect(Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith('tailscale.com/'))).toEqual([]);
  });
});
