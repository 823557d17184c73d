import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { admit } from '../../src/sources/admission/admit.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { refusals, samples, tables } from './crds-cases.ts';

type Discovered = { readonly name: string; readonly kind: string; readonly shortNames?: readonly string[] };
type Table = {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
};

const objectFrom = (kind: Kind, spec: unknown): KubeObject => {
  const { group, versions, scope } = kinds[kind];
  const metadata = scope === 'Cluster' ? { name: 'sample' } : { name: 'sample', namespace: 'default' };
  return { apiVersion: `${group}/${versions[0]}`, kind, metadata, spec };
};

const files = readdirSync(join(import.meta.dirname, '../../crds'));

describe.skipIf(!hasApiServer)('our CustomResourceDefinitions in a real API server', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server?.stop());

  /** What a server-side dry run of a create with strict field validation answers: the object as it would be stored, or why not. */
  const created = async (object: KubeObject): Promise<KubeObject | string> => {
    const { group, versions, plural, scope, kind } = kinds[object.kind as Kind];
    const path = pathOf({ group, version: versions[0], kind, plural, scope }, scope === 'Cluster' ? {} : { namespace: 'default' });
    try {
      return (await server.api.request({
        method: 'POST',
        path,
        query: { dryRun: 'All', fieldValidation: 'Strict' },
        body: object,
      })) as KubeObject;
    } catch (error) {
      if (error instanceof ApiError) return error.message;
      throw error;
    }
  };

  it.each(files)('%s is structural, its rules within budget, and served', async (file) => {
    const { metadata } = parse(readFileSync(join(import.meta.dirname, '../../crds', file), 'utf8')) as KubeObject;
    const { status } = (await server.api.request({
      path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`,
    })) as { readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] } };
    expect(status.conditions.filter(({ status: is }) => is === 'True').map(({ type }) => type)).toEqual(['NamesAccepted', 'Established']);
  });

  it.each(samples)('stores what `check` admits, with the same defaults: $kind, $title', async ({ kind, spec }) => {
    const object = objectFrom(kind, spec);
    const admitted = admit(object);
    expect(admitted).toMatchObject({ ok: true });
    expect(await created(object)).toMatchObject({ spec: admitted.ok ? (admitted.value as unknown as KubeObject)['spec'] : {} });
  });

  it.each(refusals)('refuses what `check` refuses: $kind, $title', async ({ kind, spec, because }) => {
    const object = objectFrom(kind, spec);
    const admitted = admit(object);
    expect(admitted.ok ? [] : admitted.problem.errors.map(({ reason }) => reason)).toContainEqual(expect.stringContaining(because));
    expect(await created(object)).toEqual(expect.any(String));
  });

  it('keeps a proxy group what it is', async () => {
    const group = objectFrom('TailscaleProxyGroup', { type: 'egress', tailnet: 'company' });
    await server.apply([group]);
    await expect(server.apply([objectFrom('TailscaleProxyGroup', { type: 'ingress', tailnet: 'company' })])).rejects.toThrow(
      'type cannot be changed; make another group',
    );
    await server.apply([objectFrom('TailscaleProxyGroup', { type: 'egress', tailnet: 'company', replicas: 3 })]);
  });

  it('gives each kind a short name of its own among all kinds of the API server', async () => {
    const { groups } = (await server.api.request({ path: '/apis' })) as {
      readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
    };
    const paths = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
    const answers = await Promise.all(paths.map(async (path) => server.api.request({ path })));
    const resources = (answers as readonly { readonly resources: readonly Discovered[] }[]).flatMap(({ resources }) => resources);
    const kindNamed = new Map<string, string[]>();
    for (const { kind, name, shortNames = [] } of resources.filter(({ name }) => !name.includes('/')))
      for (const word of new Set([name, kind.toLowerCase(), ...shortNames])) kindNamed.set(word, [...(kindNamed.get(word) ?? []), kind]);
    expect(
      Object.fromEntries(['tst', 'tse', 'tss', 'tsgw', 'tsrp', 'tspg', 'gwp', 'gtw'].map((word) => [word, kindNamed.get(word)])),
    ).toEqual({
      tst: ['TailscaleTailnet'],
      tse: ['TailscaleEndpoints'],
      tss: ['TailscaleServices'],
      tsgw: ['TailscaleGateway'],
      tsrp: ['TailscaleRoutePolicy'],
      tspg: ['TailscaleProxyGroup'],
      gwp: ['GatewayParameters'],
      gtw: ['Gateway'],
    });
  });

  it.each(tables)('`kubectl get` shows at a glance: $kind', async ({ kind, spec, status, row }) => {
    const object = objectFrom(kind, spec);
    await server.apply([object]);
    const { group, versions, plural, scope } = kinds[kind];
    const at = { name: 'sample', ...(scope === 'Cluster' ? {} : { namespace: 'default' }) };
    const resource = { group, version: versions[0], kind, plural, scope };
    await server.api.request({
      method: 'PATCH',
      path: pathOf(resource, { ...at, subresource: 'status' }),
      query: { fieldManager: 'test', force: true },
      contentType: 'application/apply-patch+yaml',
      body: { ...object, spec: undefined, status },
    });
    const table = (await server.api.request({
      path: pathOf(resource, at),
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })) as Table;
    const shown = table.columnDefinitions.map(({ name, priority }, index) => ({ name, priority, cell: table.rows[0]?.cells[index] }));
    const narrow = shown.filter(({ name, priority }) => priority === 0 && name !== 'Age');
    expect(Object.fromEntries(narrow.map(({ name, cell }) => [name, cell]))).toEqual({ Name: 'sample', ...row });
    expect(table.columnDefinitions.at(-1)?.name).toBe('Age');
  });
});
