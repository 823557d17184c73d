/** Statuses on an API server that lives in memory: what a status writer observes, and writes to. */
import { Subject } from 'rxjs';
import { ApiError, UnreachableError } from '../../src/kubernetes/api-error.ts';
import type { ApiRequest, ApiServer } from '../../src/kubernetes/api-server.ts';
import { equal } from '../../src/lib/equal.ts';
import { type ObjectKey, objectKey, partsOf } from '../../src/lib/key.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Observed, ObservedObject } from '../../src/sources/kubernetes/observed.ts';

type Fields = Readonly<Record<string, unknown>>;
type Write = { readonly metadata: { readonly resourceVersion?: string }; readonly status: Fields };

export class KubeStatuses {
  /** Every write that was asked for, refused ones too. */
  readonly requests: { readonly key: ObjectKey; readonly contentType: string; readonly status: Fields }[] = [];
  /** What a write of an object is answered with instead. */
  readonly refusals = new Map<ObjectKey, Error>();
  /** While true, answers and what is observed wait for `release`. */
  slow = false;
  /** While true, nothing that changes is observed until `catchUp`. */
  lagging = false;
  /** A field that the CRD does not know. */
  unknownField: string | undefined;
  /** Most writes that were under way together. */
  mostAtOnce = 0;

  readonly #stored = new Map<ObjectKey, ObservedObject>();
  readonly #seen = new Map<ObjectKey, ObservedObject>();
  readonly #applied = new Map<ObjectKey, ReadonlySet<unknown>>();
  readonly #changed = new Subject<ObjectKey>();
  readonly #held: (() => void)[] = [];
  #version = 0;
  #atOnce = 0;

  readonly observed: Observed = {
    get: (key) => this.#seen.get(key),
    ofKind: (kind) => [...this.#seen.values()].filter(({ key }) => partsOf(key).kind === kind),
    changed$: this.#changed,
  };

  readonly api: ApiServer = {
    url: 'https://memory',
    request: (request) => this.#request(request),
    stream: () => Promise.reject(new Error('unreachable: nobody watches statuses in memory')),
  };

  /** Somebody else's write, or a new object. */
  put(key: ObjectKey, status?: Fields, generation = 1): void {
    const stands = this.#stored.get(key);
    const uid = stands?.uid ?? `uid-${this.#version}`;
    const apiVersion = 'gateway.networking.k8s.io/v1';
    this.#store({ key, apiVersion, uid, resourceVersion: '', generation, status });
  }

  remove(key: ObjectKey): void {
    this.#stored.delete(key);
    this.#see(key);
  }

  statusOf(key: ObjectKey): Fields | undefined {
    return this.#stored.get(key)?.status;
  }

  versionOf(key: ObjectKey): string | undefined {
    return this.#stored.get(key)?.resourceVersion;
  }

  /** Lets what is under way be answered, and what follows at once. */
  release(): void {
    this.slow = false;
    for (const go of this.#held.splice(0)) go();
  }

  catchUp(): void {
    this.lagging = false;
    for (const key of new Set([...this.#stored.keys(), ...this.#seen.keys()]))
      if (this.#stored.get(key) !== this.#seen.get(key)) this.#see(key);
  }

  /** Writes that wait for an answer. */
  get underWay(): number {
    return this.#atOnce;
  }

  async #request({ path, body, contentType = '', signal }: ApiRequest): Promise<unknown> {
    const key = keyIn(path);
    const { metadata, status } = body as Write;
    this.requests.push({ key, contentType, status });
    this.#atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      await this.#turn(signal);
      return this.#write(key, contentType.includes('apply'), metadata.resourceVersion, status);
    } finally {
      this.#atOnce--;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new UnreachableError('PATCH', signal.reason)), { once: true });
      if (this.slow) this.#held.push(resolve);
      else setTimeout(resolve, 1);
    });
  }

  #write(key: ObjectKey, isApply: boolean, resourceVersion: string | undefined, said: Fields): unknown {
    const refusal = this.refusals.get(key);
    if (refusal !== undefined) throw refusal;
    const stands = this.#stored.get(key);
    if (stands === undefined) throw new ApiError('PATCH', 404, { reason: 'NotFound' });
    if (resourceVersion !== undefined && resourceVersion !== stands.resourceVersion)
      throw new ApiError('PATCH', 409, { reason: 'Conflict' });
    const unknown = this.unknownField;
    if (isApply && unknown !== undefined && unknown in said)
      throw new ApiError('PATCH', 500, { message: `.status.${unknown}: field not declared in schema` });
    const status = Object.fromEntries(
      Object.entries({ ...stands.status, ...said, ...(isApply ? this.#conditionsApplied(key, stands, said) : {}) }).filter(
        ([name]) => name !== unknown,
      ),
    );
    const object = equal(status, stands.status) ? stands : this.#store({ ...stands, status });
    return { metadata: { resourceVersion: object.resourceVersion, generation: object.generation }, status };
  }

  /** Server-side apply removes of a keyed list only what the same manager applied before. */
  #conditionsApplied(key: ObjectKey, stands: ObservedObject, said: Fields): Fields {
    if (!('conditions' in said)) return {};
    const ours = said['conditions'] as readonly Fields[];
    const types = new Set(ours.map(({ type }) => type));
    const before = this.#applied.get(key);
    this.#applied.set(key, types);
    const standing = (stands.status?.['conditions'] ?? []) as readonly Fields[];
    return { conditions: [...standing.filter(({ type }) => !types.has(type) && before?.has(type) !== true), ...ours] };
  }

  #store(object: ObservedObject): ObservedObject {
    const stored = { ...object, resourceVersion: String(++this.#version) };
    this.#stored.set(object.key, stored);
    this.#see(object.key);
    return stored;
  }

  #see(key: ObjectKey): void {
    if (this.lagging) return;
    const stored = this.#stored.get(key);
    if (stored === undefined) this.#seen.delete(key);
    else this.#seen.set(key, stored);
    this.#changed.next(key);
  }
}

/** `/apis/<group>/<version>[/namespaces/<namespace>]/<plural>/<name>/status`. */
const keyIn = (path: string): ObjectKey => {
  const parts = path.split('/').slice(4, -1);
  const [namespace = '', plural = '', name = ''] = parts[0] === 'namespaces' ? parts.slice(1) : ['', ...parts];
  const kind = Object.values(kinds).find((one) => one.plural === plural)?.kind ?? '';
  return objectKey(kind, namespace, name);
};
