import { isKind, kinds } from '../../src/api/kinds.ts';
import type { ApiRequest } from '../../src/kubernetes/api-server.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { partsOf } from '../../src/lib/key.ts';
import type { ObservedObject } from '../../src/sources/kubernetes/observed.ts';
import { fieldManager } from '../runtime/owned-fields.ts';
import type { StatusWrite } from './desired.ts';
import { type Fields, recordIn } from './standing.ts';

/**
 * `apply` is server-side apply: the API server keeps account of what is ours in keyed lists, and removes what we no longer say. `merge` is a
 * JSON merge patch of the whole, for what apply cannot say: entries that another field manager left in a list that is ours now, and fields
 * that the installed CRD does not know.
 */
export type WayToWrite = 'apply' | 'merge';

/**
 * Writes one status, provided the object is still the version that was compared: otherwise 409 Conflict. Needed for lists of parents and
 * ancestors, which are replaced as a whole with others' entries in them, whichever way; and it keeps a leader that was replaced
 * without knowing it from undoing its successor's work.
 */
export const statusRequest = ({ key, apiVersion, resourceVersion }: ObservedObject, write: StatusWrite, way: WayToWrite): ApiRequest => {
  const { kind, namespace, name } = partsOf(key);
  if (!isKind(kind)) throw new Error(`unreachable: no kind ${kind}`);
  const [group = '', version = ''] = apiVersion.split('/');
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), resourceVersion };
  return {
    method: 'PATCH',
    path: pathOf({ ...kinds[kind], group, version }, { namespace, name, subresource: 'status' }),
    ...(way === 'apply'
      ? {
          query: { fieldManager, force: true },
          contentType: 'application/apply-patch+yaml',
          body: { apiVersion, kind, metadata, status: write.ours },
        }
      : { query: { fieldManager }, contentType: 'application/merge-patch+json', body: { metadata, status: write.whole } }),
    timeoutMs: 10_000,
  };
};

/** The object as the API server says it stands after a write. */
export const answeredObject = (before: ObservedObject, answer: unknown): ObservedObject => {
  const { metadata, status } = answer as { readonly metadata: { resourceVersion: string; generation?: number }; readonly status?: Fields };
  const { resourceVersion, generation = before.generation } = metadata;
  return { ...before, resourceVersion, generation, status: recordIn(status) };
};
