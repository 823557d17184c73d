import { expect, it } from 'vitest';
import type { Namespace } from '../../api/core.ts';
import type { LabelSelector, TailscaleTailnet } from '../../api/generated/tailscale.ts';
import type { Read } from '../../lib/memo.ts';
import type { ModelTables } from '../tables.ts';
import { tailnetFor } from './permission.ts';

type Permitting = Pick<ModelTables, 'TailscaleTailnet' | 'Namespace'>;

const tailnet = (allowedNamespaces?: LabelSelector): TailscaleTailnet => ({
  apiVersion: 'gateway.tailscale.com/v1alpha1',
  kind: 'TailscaleTailnet',
  metadata: { name: 'corp', generation: 1 },
  spec: {
    tailnet: '-',
    oauthSecretName: 'oauth',
    apiURL: 'https://api.tailscale.com',
    controlURL: 'https://controlplane.tailscale.com',
    ...(allowedNamespaces && { allowedNamespaces }),
  },
});

const apps: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps', generation: 1, labels: { tailnet: 'corp' } } };

const reading = (corp: TailscaleTailnet): Read<Permitting> => {
  const tables: Permitting = { TailscaleTailnet: new Map([['/corp', corp]]), Namespace: new Map([['/apps', apps]]) };
  return ((table: keyof Permitting, key: string) => tables[table].get(key)) as Read<Permitting>;
};

const reasonOf = (allowed: LabelSelector | undefined, namespace: string): string => {
  const found = tailnetFor('corp', namespace, reading(tailnet(allowed)));
  return found.ok ? 'allowed' : found.problem.reason;
};

it('lets every namespace use a tailnet that does not say which', () => {
  expect(reasonOf(undefined, 'apps')).toBe('allowed');
  expect(reasonOf({}, 'other')).toBe('allowed');
});

it('goes by the labels of the namespace', () => {
  expect(reasonOf({ matchLabels: { tailnet: 'corp' } }, 'apps')).toBe('allowed');
  expect(reasonOf({ matchLabels: { tailnet: 'corp' } }, 'other')).toBe('TailnetNotAllowed');
});

it('knows a namespace by its name also where there is no object for it', () => {
  expect(reasonOf({ matchLabels: { 'kubernetes.io/metadata.name': 'other' } }, 'other')).toBe('allowed');
});

it('says that there is no such tailnet', () => {
  expect(tailnetFor('home', 'apps', reading(tailnet()))).toMatchObject({ ok: false, problem: { reason: 'TailnetNotFound' } });
});
