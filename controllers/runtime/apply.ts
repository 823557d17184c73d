import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { ForeignObjectError, TerminalError, textOf } from './errors.ts';
import { resourceOf } from './kinds.ts';
import { fieldManager } from './owned-fields.ts';
import type { Action } from './plan.ts';

export type ApplyOptions = {
  readonly api: ApiServer;
  /** Whether an object that stands there is one of ours, and may be overwritten or deleted. */
  readonly isOurs: (standing: KubeObject) => boolean;
  /** Aborted when we are no longer the one who writes. */
  readonly signal?: AbortSignal;
};

/** What the API server answers when a name must be free, and is not: no object ever stands in version 1. */
const ifAbsent = { resourceVersion: '1' } as const;

/**
 * Does `actions` in their order; gives objects as they stand after it. One refused object does not hold up the others, but nothing is
 * deleted then. Throws what went wrong first: TerminalError when the API server refuses the object itself, ForeignObjectError when it is
 * not ours, ApiError and UnreachableError when another try may do better.
 */
export const applyAll = async (actions: readonly Action[], options: ApplyOptions): Promise<readonly KubeObject[]> => {
  const standing: KubeObject[] = [];
  const refused: unknown[] = [];
  for (const action of actions) {
    options.signal?.throwIfAborted();
    if (action.do === 'delete' && refused.length > 0) continue;
    try {
      const object = await apply(action, options);
      if (object !== undefined) standing.push(object);
    } catch (error) {
      if (!isAboutOneObject(error)) throw error;
      refused.push(error);
    }
  }
  if (refused.length > 0) throw refused[0];
  return standing;
};

/** Does one action; gives the object as it stands after it, nothing after a deletion. Errors as those of `applyAll`. */
export const apply = async (action: Action, options: ApplyOptions): Promise<KubeObject | undefined> => {
  if (action.do === 'delete') return deleteOne(action.object, options);
  const { object, standing } = action;
  if (standing !== undefined) return overwrite(object, standing, options);
  try {
    return await patch(object, ifAbsent, options);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 409) throw error;
    // Somebody's, or ours and not seen yet.
    return overwrite(object, await read(object, options), options);
  }
};

/** By its uid: an object that took its place since is not touched. */
const overwrite = (object: KubeObject, standing: KubeObject, options: ApplyOptions): Promise<KubeObject> => {
  if (!options.isOurs(standing)) throw new ForeignObjectError(standing);
  return patch(object, standing.metadata.uid === undefined ? {} : { uid: standing.metadata.uid }, options);
};

const patch = async (object: KubeObject, condition: Partial<KubeObject['metadata']>, options: ApplyOptions): Promise<KubeObject> => {
  const answer = await request(object, options, {
    method: 'PATCH',
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml',
    body: { ...object, metadata: { ...object.metadata, ...condition } },
  });
  return answer as KubeObject;
};

const read = async (object: KubeObject, options: ApplyOptions): Promise<KubeObject> =>
  (await request(object, options, { method: 'GET' })) as KubeObject;

/** What is gone already, or was replaced by another of the same name, counts as deleted. */
const deleteOne = async (object: KubeObject, options: ApplyOptions): Promise<undefined> => {
  if (!options.isOurs(object)) throw new ForeignObjectError(object);
  const { uid } = object.metadata;
  try {
    await request(object, options, {
      method: 'DELETE',
      body: { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) },
    });
  } catch (error) {
    if (!(error instanceof ApiError) || (error.code !== 404 && error.code !== 409)) throw error;
  }
};

const request = async (
  object: KubeObject,
  { api, signal }: ApplyOptions,
  {
    method,
    ...rest
  }: Pick<Parameters<ApiServer['request']>[0], 'query' | 'contentType' | 'body'> & { readonly method: 'GET' | 'PATCH' | 'DELETE' },
): Promise<unknown> => {
  const { namespace, name } = object.metadata;
  const path = pathOf(resourceOf(object), { ...(namespace === undefined ? {} : { namespace }), name });
  try {
    return await api.request({ method, path, ...rest, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (isRefusal(error)) throw new TerminalError(`${textOf(object)}: ${error.message}`, { cause: error });
    throw error;
  }
};

/**
 * The API server looked at the object and does not want it. Missing rights (401, 403) and a missing namespace (404) are not the object's
 * fault; nor is a uid that is no longer the right one, which is answered as if it were an edit of the uid.
 */
const isRefusal = (error: unknown): error is ApiError => {
  if (!(error instanceof ApiError)) return false;
  if (error.code === 422) return !error.answer.details?.causes?.some(({ field }) => field === 'metadata.uid');
  // Fields that the schema does not have, and values that cannot be read (quantities), come as 500 from server-side apply.
  return error.code === 400 || /failed to (create typed patch|convert new) object/.test(error.message);
};

const isAboutOneObject = (error: unknown): boolean => error instanceof TerminalError || error instanceof ForeignObjectError;
