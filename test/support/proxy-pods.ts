/**
 * What a cluster and its pods do for Tailscale proxies, played by a test: StatefulSets become Pods, and each Pod does what containerboot does
 * with its two Secrets, in the simulator's tailnet.
 */
import { combineLatest, type Subscription } from 'rxjs';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { reflect } from '../../src/kubernetes/reflector.ts';
import { pathOf, type Resource } from '../../src/kubernetes/resource.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { podResource } from '../../controllers/proxies/resources.ts';
import { managedResources } from '../../controllers/runtime/kinds.ts';

export type ProxyPodsOptions = {
  readonly api: ApiServer;
  readonly namespace: string;
  readonly simulated: Simulator;
  /** Of the simulator. */
  readonly url: string;
};

type PodSpec = { readonly volumes?: readonly { readonly configMap?: { readonly name: string } }[] };
type Spec = { readonly replicas: number; readonly template: { readonly metadata: object; readonly spec: object } };

const dataOf = (secret: KubeObject | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries((secret?.['data'] ?? {}) as Readonly<Record<string, string>>).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]),
  );

export class ProxyPods {
  /** Pods that may not end yet, however often they are told to. */
  readonly lingering = new Set<string>();
  /** Pods that do not come yet. */
  readonly absent = new Set<string>();
  /** While true, nobody gets into the tailnet. */
  offline = false;
  /** While true, proxies do not say what they serve and advertise. */
  silent = false;
  /** What they did for services, in order. */
  readonly served: string[] = [];
  readonly #options: ProxyPodsOptions;
  readonly #subscription: Subscription;
  #state: readonly ReadonlyMap<string, KubeObject>[] = [];
  #running: Promise<void> | undefined;
  #again = false;
  readonly errors: unknown[] = [];

  constructor(options: ProxyPodsOptions) {
    this.#options = options;
    const { api, namespace } = options;
    const kinds = [managedResources.StatefulSet, podResource, managedResources.Secret, managedResources.ConfigMap];
    this.#subscription = combineLatest(kinds.map((resource) => reflect({ api, resource, namespace }))).subscribe((reflections) => {
      this.#state = reflections.map(({ objects }) => objects);
      this.look();
    });
  }

  /** Looks at everything once more. */
  look(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#round()
      .catch((error: unknown) => {
        this.errors.push(error);
      })
      .finally(() => {
        this.#running = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.look();
      });
  }

  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
    await this.#running;
  }

  async #round(): Promise<void> {
    const [sets = nothing, pods = nothing] = this.#state;
    for (const set of sets.values())
      await this.#control(
        set,
        [...pods.values()].filter((pod) => isOf(pod, set)),
      );
    for (const pod of pods.values()) if (sets.size === 0 || pod.metadata.deletionTimestamp === undefined) await this.#boot(pod);
  }

  /** As the StatefulSet controller, and for foreground deletion the garbage collector. */
  async #control(set: KubeObject, pods: readonly KubeObject[]): Promise<void> {
    const { name, namespace = '', uid = '', generation, deletionTimestamp, finalizers = [] } = set.metadata;
    const { replicas, template } = set['spec'] as Spec;
    const wanted = deletionTimestamp === undefined ? replicas : 0;
    for (const pod of pods)
      if (Number(pod.metadata.name.slice(name.length + 1)) >= wanted && !this.lingering.has(pod.metadata.name))
        await this.#send('DELETE', podResource, pod, { gracePeriodSeconds: 0 });
    if (deletionTimestamp !== undefined) {
      const rest = finalizers.filter((each) => each !== 'foregroundDeletion');
      if (pods.length === 0) await this.#merge(managedResources.StatefulSet, set, { metadata: { finalizers: rest } });
      return;
    }
    for (let ordinal = 0; ordinal < wanted; ordinal++) {
      const podName = `${name}-${ordinal}`;
      if (this.absent.has(podName) || pods.some(({ metadata }) => metadata.name === podName)) continue;
      const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid, controller: true, blockOwnerDeletion: true };
      await this.#create(podResource, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name: podName, namespace, ownerReferences: [owner] },
        spec: template.spec,
      });
    }
    const ready = pods.filter(isReady).length;
    const status = { observedGeneration: generation, replicas: pods.length, readyReplicas: ready };
    const { observedGeneration, readyReplicas } = (set['status'] ?? {}) as typeof status;
    if (observedGeneration !== generation || (readyReplicas ?? 0) !== ready)
      await this.#merge(managedResources.StatefulSet, set, { status }, 'status');
  }

  /** As containerboot, one step at a time: each write brings the next look. */
  async #boot(pod: KubeObject): Promise<void> {
    const { namespace = '', name, uid = '' } = pod.metadata;
    const [secret, configSecret] = await Promise.all([this.#secret(namespace, name), this.#secret(namespace, `${name}-config`)]);
    const state = dataOf(secret);
    const config = JSON.parse(dataOf(configSecret)['cap-106.hujson'] ?? '{}') as {
      readonly AuthKey?: string;
      readonly Hostname?: string;
      readonly AdvertiseServices?: readonly string[];
    };
    if (secret === undefined || config.Hostname === undefined) return;
    const { AuthKey = '', Hostname } = config;
    const write = (keys: Readonly<Record<string, string | null>>): Promise<void> => this.#write(secret, keys);
    const refused = state['reissue_authkey'];
    if (refused !== undefined) {
      if (AuthKey !== '' && AuthKey !== refused) await write(cleared);
      return;
    }
    if (state['pod_uid'] !== uid) return write({ pod_uid: uid, tailscale_capver: '142', _serve_1: '{}' });
    const device = this.#devices().find(({ nodeId }) => nodeId === state['device_id']);
    if (state['device_id'] !== undefined && device === undefined) return write({ reissue_authkey: AuthKey });
    if (device === undefined) {
      if (this.offline) return;
      const answer = await this.#join(Hostname, AuthKey);
      if (answer === undefined) return write({ reissue_authkey: AuthKey });
      const profile = JSON.stringify({ Config: { NodeID: answer.nodeId } });
      return write({ _machinekey: 'm', _profiles: 'p', '_current-profile': 'profile-1', 'profile-1': profile, device_id: answer.nodeId });
    }
    if (state['device_fqdn'] === undefined) return write({ device_fqdn: `${device.name}.`, device_ips: JSON.stringify(device.addresses) });
    if (await this.#follow(pod, secret, config.AdvertiseServices ?? [])) return;
    const status = { podIP: '10.0.0.7', podIPs: [{ ip: '10.0.0.7' }], phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    if (!isReady(pod)) await this.#merge(podResource, pod, { status }, 'status');
  }

  /** Does as its files say, serving before advertising, and writes down what it does before anybody can see it; whether that was anything. */
  async #follow(pod: KubeObject, secret: KubeObject, advertise: readonly string[]): Promise<boolean> {
    const { namespace = '', name } = pod.metadata;
    const shared = ((pod['spec'] as PodSpec).volumes ?? []).find((volume) => volume.configMap !== undefined)?.configMap?.name;
    if (shared === undefined || this.silent) return false;
    const config = await this.#read(managedResources.ConfigMap, namespace, shared);
    const { 'serve-config.json': file } = (config?.['binaryData'] ?? {}) as Readonly<Record<string, string>>;
    const serve = Buffer.from(file ?? '', 'base64').toString();
    const state = dataOf(secret);
    if (serve !== '' && state['_serve_1'] !== serve) {
      this.served.push(`${name} serves ${Object.keys((JSON.parse(serve) as { Services: object }).Services).join()}`);
      await this.#write(secret, { _serve_1: serve });
      return true;
    }
    const profile = JSON.parse(state['profile-1'] ?? '{}') as { readonly AdvertiseServices?: readonly string[] };
    if ((profile.AdvertiseServices ?? []).join() === advertise.join()) return false;
    this.served.push(`${name} advertises ${advertise.join()}`);
    await this.#write(secret, { 'profile-1': JSON.stringify({ ...profile, AdvertiseServices: advertise }) });
    return true;
  }

  /** As it stands: a pod remembers what it did, which what was observed may not tell yet. */
  #secret(namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.#read(managedResources.Secret, namespace, name);
  }

  async #read(resource: Resource, namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      return (await this.#options.api.request({ path: pathOf(resource, { namespace, name }) })) as KubeObject;
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 404) return undefined;
      throw error;
    }
  }

  #devices() {
    return this.#options.simulated.state().tailnets.flatMap(({ devices }) => devices);
  }

  async #join(hostname: string, authKey: string): Promise<{ readonly nodeId: string } | undefined> {
    if (authKey === '') return undefined;
    const body = JSON.stringify({ hostname, authKey });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.#options.url}/simulator/devices`, { method: 'POST', headers, body });
    return answer.ok ? ((await answer.json()) as { readonly nodeId: string }) : undefined;
  }

  #write(secret: KubeObject, keys: Readonly<Record<string, string | null>>): Promise<void> {
    const data = Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [key, value === null ? null : Buffer.from(value).toString('base64')]),
    );
    return this.#merge(managedResources.Secret, secret, { data });
  }

  #merge(resource: Resource, object: KubeObject, change: object, subresource?: string): Promise<void> {
    return this.#send('PATCH', resource, object, change, subresource);
  }

  #create(resource: Resource, object: KubeObject): Promise<void> {
    const { namespace = '' } = object.metadata;
    return this.#quietly({ method: 'POST', path: pathOf(resource, { namespace }), body: object });
  }

  #send(method: 'DELETE' | 'PATCH', resource: Resource, object: KubeObject, body: object, subresource?: string): Promise<void> {
    const { namespace = '', name } = object.metadata;
    const path = pathOf(resource, { namespace, name, ...(subresource === undefined ? {} : { subresource }) });
    return this.#quietly({ method, path, body, ...(method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {}) });
  }

  /** What is gone, or there already, will be seen so at the next look. */
  async #quietly(request: Parameters<ApiServer['request']>[0]): Promise<void> {
    try {
      await this.#options.api.request(request);
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code !== 404 && code !== 409) throw error;
    }
  }
}

const nothing: ReadonlyMap<string, KubeObject> = new Map();

const cleared = {
  reissue_authkey: null,
  device_id: null,
  device_fqdn: null,
  device_ips: null,
  _serve_1: null,
  _machinekey: null,
  _profiles: null,
  '_current-profile': null,
  'profile-1': null,
};

const isOf = ({ metadata }: KubeObject, set: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid) === true;

const isReady = (pod: KubeObject): boolean =>
  (pod['status'] as { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } | undefined)?.conditions?.some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  ) === true;
