import { expect, it } from 'vitest';
import { UsageError } from '../../config.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import { clusterNameOf } from './cluster-name.ts';

const answering = (answer: () => unknown): ApiServer => ({
  url: 'https://cluster.example',
  request: async () => answer(),
  stream: async () => undefined,
});
const log = { warn: () => undefined };

it('a cluster is called after the UID of Namespace kube-system, which stays as long as it does', async () => {
  const api = answering(() => ({ metadata: { uid: '5c9b1f0e-0000-4000-8000-000000000000' } }));
  const name = await clusterNameOf(api, log);
  expect(name).toMatch(/^[0-9a-f]{8}$/);
  expect(await clusterNameOf(api, log)).toBe(name);
});

it('where that may not be read, the user has to say a name', async () => {
  const forbidden = answering(() => {
    throw new ApiError('GET namespace', 403, { message: 'forbidden' });
  });
  await expect(clusterNameOf(forbidden, log)).rejects.toThrow(UsageError);
});
