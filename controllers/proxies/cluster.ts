/** Calls to the API server that go beyond applying and deleting what is planned: to look at what stands now, and to write over no other. */
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiRequest, ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { apiVersionOf, type Place, pathOf, type Resource } from '../../src/kubernetes/resource.ts';
import { apply } from '../runtime/apply.ts';
import { ForeignObjectError } from '../runtime/errors.ts';
import { managedResources, resourceOf } from '../runtime/kinds.ts';
import { fieldManager } from '../runtime/owned-fields.ts';
import { plan } from '../runtime/plan.ts';
import { belongsTo, finalizer, setLabel } from './objects/metadata.ts';
import { podResource } from './resources.ts';

/** All errors are those of ApiServer; with 409 somebody was faster, and another look helps. */
export class Cluster {
  readonly #api: ApiServer;
  readonly #signal: AbortSignal;

  /** `signal` is aborted when we are no longer the one who writes. */
  constructor(api: ApiServer, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
  }

  /** As it stands; undefined when it does not. */
  async read(resource: Resource, place: Required<Pick<Place, 'namespace' | 'name'>>): Promise<KubeObject | undefined> {
    try {
      const object = (await this.#request({ path: pathOf(resource, place) })) as KubeObject;
      return object;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  secret(namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.read(managedResources.Secret, { namespace, name });
  }

  pods(namespace: string, set: string): Promise<readonly KubeObject[]> {
    return this.#list(podResource, namespace, set);
  }

  secrets(namespace: string, set: string): Promise<readonly KubeObject[]> {
    return this.#list(managedResources.Secret, namespace, set);
  }

  /** Makes `object` stand as it is, unless `standing`, which it was made from, has changed meanwhile. Gives what stands then. */
  async applyOver(object: KubeObject, standing: KubeObject | undefined, uid: string): Promise<KubeObject> {
    const [action] = plan([object], standing === undefined ? [] : [standing]);
    if (action === undefined) return standing ?? object;
    const isOurs = (other: KubeObject): boolean => belongsTo(other, uid);
    if (standing === undefined) return (await apply(action, { api: this.#api, isOurs, signal: this.#signal })) ?? object;
    if (!isOurs(standing)) throw new ForeignObjectError(standing);
    const { uid: id, resourceVersion } = standing.metadata;
    return (await this.#request({
      method: 'PATCH',
      path: placeOf(object),
      query: { fieldManager, force: true },
      contentType: 'application/apply-patch+yaml',
      body: {
        ...action.object,
        metadata: { ...action.object.metadata, ...(id && { uid: id }), ...(resourceVersion && { resourceVersion }) },
      },
    })) as KubeObject;
  }

  /** What stands under its name, whoever made it, stays as it is. */
  async createOnce(object: KubeObject): Promise<void> {
    const { namespace = '' } = object.metadata;
    try {
      await this.#request({ method: 'POST', path: pathOf(resourceOf(object), { namespace }), query: { fieldManager }, body: object });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 409) throw error;
    }
  }

  /** `foreground`: what it owns goes before it does. What is gone already counts as deleted. */
  async delete(object: KubeObject, propagationPolicy: 'Foreground' | 'Background' = 'Background'): Promise<void> {
    const { uid } = object.metadata;
    await this.#gone({
      method: 'DELETE',
      path: placeOf(object),
      body: { propagationPolicy, ...(uid === undefined ? {} : { preconditions: { uid } }) },
    });
  }

  /** Deletes what our finalizer holds, and lets it go. */
  async release(secret: KubeObject): Promise<void> {
    if (secret.metadata.deletionTimestamp === undefined) await this.delete(secret);
    const { namespace = '', name, uid } = secret.metadata;
    const held = await this.secret(namespace, name);
    if (held?.metadata.uid !== uid || held === undefined) return;
    await this.setFinalizers(held, managedResources.Secret, withoutOurs(held));
  }

  /** A pod that is gone, or was replaced, needs none. */
  async annotatePod({ metadata }: KubeObject, annotations: Readonly<Record<string, string>>): Promise<void> {
    const { namespace = '', name, uid } = metadata;
    try {
      await this.#gone({
        method: 'PATCH',
        path: pathOf(podResource, { namespace, name }),
        query: { fieldManager },
        contentType: 'application/merge-patch+json',
        body: { metadata: { uid, annotations } },
      });
    } catch (error) {
      if (!(error instanceof ApiError) || (error.code !== 409 && error.code !== 422)) throw error;
    }
  }

  async setFinalizers(object: KubeObject, resource: Resource, finalizers: readonly string[]): Promise<void> {
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    await this.#gone({
      method: 'PATCH',
      path: pathOf(resource, { namespace, name }),
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { uid, resourceVersion, finalizers } },
    });
  }

  async #gone(request: ApiRequest): Promise<void> {
    try {
      await this.#request(request);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }

  async #list(resource: Resource, namespace: string, set: string): Promise<readonly KubeObject[]> {
    const answer = await this.#request({ path: pathOf(resource, { namespace }), query: { labelSelector: `${setLabel}=${set}` } });
    const { items = [] } = answer as { readonly items?: readonly Omit<KubeObject, 'kind' | 'apiVersion'>[] };
    // Members of a list do not say what they are.
    return items.map((item) => ({ ...item, apiVersion: apiVersionOf(resource), kind: resource.kind }) as KubeObject);
  }

  #request(request: ApiRequest): Promise<unknown> {
    this.#signal.throwIfAborted();
    return this.#api.request({ ...request, signal: this.#signal });
  }
}

export const withoutOurs = ({ metadata }: KubeObject): readonly string[] =>
  (metadata.finalizers ?? []).filter((name) => name !== finalizer);

const placeOf = (object: KubeObject): string =>
  pathOf(resourceOf(object), { namespace: object.metadata.namespace ?? '', name: object.metadata.name });
