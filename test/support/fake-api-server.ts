/** An API server in memory, for what a real one does too rarely to test with: lists, watches and discovery of any kind, and every way to fail. */
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiRequest, ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeMetadata, KubeObject } from '../../src/kubernetes/kube-object.ts';
import { apiVersionOf, groupPathOf, pathOf, type Resource } from '../../src/kubernetes/resource.ts';

type Watch = { readonly path: string; readonly line: (value: unknown) => void; readonly end: (error?: Error) => void };
type Change = {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly object: KubeObject;
};

export class FakeApiServer implements ApiServer {
  readonly url = 'https://fake';
  /** Every request and watch, in order. */
  readonly asked: (ApiRequest & { readonly isWatch: boolean })[] = [];
  /** Consulted before each answer: what it returns is thrown instead, once it resolves. */
  fault: (request: ApiRequest, isWatch: boolean) => Promise<Error | undefined> | Error | undefined = () => undefined;
  #resources: readonly Resource[];
  #version = 100;
  #compacted = 0;
  readonly #objects = new Map<string, KubeObject>();
  #history: Change[] = [];
  readonly #watches = new Set<Watch>();

  constructor(resources: readonly Resource[]) {
    this.#resources = resources;
  }

  /** Changes what discovery says. */
  serve(resources: readonly Resource[]): void {
    this.#resources = resources;
  }

  /** Stores an object under the next version. A `generation` is the caller's to count. */
  put(resource: Resource, object: { readonly metadata: KubeMetadata; readonly [field: string]: unknown }): void {
    const { name, namespace = '' } = object.metadata;
    const path = pathOf(resource, { namespace, name });
    const metadata = { uid: `uid-${name}`, ...object.metadata, resourceVersion: String((this.#version += 1)) };
    const type = this.#objects.has(path) ? 'MODIFIED' : 'ADDED';
    const stored: KubeObject = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    this.#objects.set(path, stored);
    this.#tell({ version: this.#version, type, path, object: stored });
  }

  remove(resource: Resource, namespace: string, name: string): void {
    const path = pathOf(resource, { namespace, name });
    const object = this.#objects.get(path);
    if (object === undefined) throw new Error(`nothing at ${path}`);
    this.#objects.delete(path);
    this.#version += 1;
    this.#tell({
      version: this.#version,
      type: 'DELETED',
      path,
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } },
    });
  }

  /** Forgets what happened: watches from before are too old. */
  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** Ends the watches below a path as a server does after their time, or breaks them off. */
  endWatches(below: string, error?: Error): void {
    for (const watch of this.#watches) if (watch.path.startsWith(below)) watch.end(error);
  }

  /** Says a line on the watches of a path. */
  say(path: string, line: unknown): void {
    for (const watch of this.#watches) if (watch.path === path) watch.line(line);
  }

  readonly request = async (request: ApiRequest): Promise<unknown> => {
    await this.#ask(request, false);
    const { path, query = {} } = request;
    const resources = this.#resources.filter(({ group, version }) => groupPathOf(group, version) === path);
    if (resources.length > 0) return { resources: resources.map(({ plural, kind }) => ({ name: plural, kind })) };
    const resource = this.#resources.find((candidate) => placeIn(candidate, path) !== undefined);
    const place = resource && placeIn(resource, path);
    if (resource === undefined || place === undefined) throw notFound(path);
    if (place.name !== undefined) return this.#objects.get(path) ?? this.#throw(notFound(path));
    return this.#list(this.#below(path), Number(query['limit'] ?? Infinity), String(query['continue'] ?? '0'));
  };

  readonly stream = async (
    request: Omit<ApiRequest, 'timeoutMs'> & { readonly opened?: () => void },
    line: (value: unknown) => void,
  ): Promise<void> => {
    await this.#ask(request, true);
    request.opened?.();
    const { path, query = {}, signal } = request;
    const from = Number(query['resourceVersion']);
    if (from < this.#compacted)
      return line({ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old resource version' } });
    return new Promise((resolve, reject) => {
      const watch: Watch = {
        path,
        line: (value) => {
          try {
            line(value);
          } catch (error) {
            watch.end(error as Error);
          }
        },
        end: (error) => {
          this.#watches.delete(watch);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#watches.add(watch);
      signal?.addEventListener('abort', () => watch.end(new Error('aborted')));
      for (const change of this.#history) if (change.version > from) hear(watch, change);
    });
  };

  async #ask(request: ApiRequest, isWatch: boolean): Promise<void> {
    this.asked.push({ ...request, isWatch });
    const error = await this.fault(request, isWatch);
    if (error !== undefined) throw error;
  }

  #throw(error: Error): never {
    throw error;
  }

  #below(path: string): readonly KubeObject[] {
    return [...this.#objects].filter(([key]) => isBelow(key, path)).map(([, object]) => object);
  }

  #list(objects: readonly KubeObject[], limit: number, from: string): unknown {
    const end = Number(from) + limit;
    const items = objects.slice(Number(from), end);
    const more = end < objects.length ? { continue: String(end) } : {};
    return { items, metadata: { resourceVersion: String(this.#version), ...more } };
  }

  #tell(change: Change): void {
    this.#history.push(change);
    for (const watch of this.#watches) hear(watch, change);
  }
}

const hear = ({ path, line }: Watch, change: Change): void => {
  if (isBelow(change.path, path)) line({ type: change.type, object: change.object });
};

/** Whether an object's path is within a collection's, which may be of all namespaces. */
const isBelow = (object: string, collection: string): boolean =>
  object.startsWith(`${collection}/`) || object.replace(/\/namespaces\/[^/]+(?=\/[^/]+\/[^/]+$)/, '').startsWith(`${collection}/`);

const placeIn = (resource: Resource, path: string): { readonly name?: string } | undefined => {
  const base = groupPathOf(resource.group, resource.version);
  const match = new RegExp(`^${base}(?:/namespaces/[^/]+)?/${resource.plural}(?:/([^/]+))?$`).exec(path);
  return match === null ? undefined : match[1] === undefined ? {} : { name: match[1] };
};

const notFound = (path: string): ApiError => new ApiError(`GET ${path}`, 404, { reason: 'NotFound', message: 'not found' });
