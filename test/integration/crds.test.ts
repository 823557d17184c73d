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
import { refusals, samples } from './crds-cases.ts';

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
});
