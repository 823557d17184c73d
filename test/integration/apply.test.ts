import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, applyAll } from '../../controllers/runtime/apply.ts';
import { ForeignObjectError, TerminalError } from '../../controllers/runtime/errors.ts';
import { managedResources, resourceOf } from '../../controllers/runtime/kinds.ts';
import { plan } from '../../controllers/runtime/plan.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const ours = { 'app.kubernetes.io/managed-by': 'tailplane' };
const isOurs = ({ metadata }: KubeObject): boolean => metadata.labels?.['app.kubernetes.io/managed-by'] === 'tailplane';

const named = (apiVersion: string, kind: string, name: string, rest: object): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'default', labels: ours },
  ...rest,
});

/** Defaults, quantities to be normalised, empty things, nulls, atomic and keyed lists: everything a comparison of contents trips over. */
const deployment = (name: string): KubeObject =>
  named('apps/v1', 'Deployment', name, {
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          nodeSelector: {},
          tolerations: [],
          affinity: null,
          priorityClassName: '',
          hostNetwork: false,
          securityContext: { fsGroup: 0, sysctls: [] },
          imagePullSecrets: [{ name: 'registry' }],
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { app: name } } },
          ],
          volumes: [{ name: 'tmp', emptyDir: {} }],
          containers: [
            {
              name: 'envoy',
              image: 'envoy:1',
              args: ['-c', 'x'],
              command: [],
              env: [
                { name: 'EMPTY', value: '' },
                { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
              ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP', name: 'udp' }],
              resources: { requests: { cpu: '1000m', memory: '1024Mi' }, limits: {} },
              livenessProbe: { httpGet: { port: 80, path: '/' }, initialDelaySeconds: 0 },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
        },
      },
    },
  });

const service = (name: string): KubeObject =>
  named('v1', 'Service', name, {
    spec: {
      type: 'LoadBalancer',
      selector: { app: name },
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      ports: [
        { name: 'tcp', port: 80, protocol: 'TCP', targetPort: 8080 },
        { name: 'udp', port: 80, protocol: 'UDP', targetPort: 8080 },
      ],
    },
  });

const ofEachKind = (name: string): readonly KubeObject[] => [
  named('v1', 'ServiceAccount', name, {}),
  named('v1', 'ConfigMap', name, { data: { 'envoy.yaml': 'a: 1\n', empty: '' } }),
  named('v1', 'Secret', name, { type: 'Opaque', data: { a: 'YQ==', empty: '' } }),
  service(name),
  deployment(name),
  named('apps/v1', 'StatefulSet', name, { spec: { ...(deployment(name)['spec'] as object), serviceName: name } }),
  named('policy/v1', 'PodDisruptionBudget', name, { spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } } }),
  named('autoscaling/v2', 'HorizontalPodAutoscaler', name, {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 2,
      maxReplicas: 3,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
    },
  }),
  named('networking.k8s.io/v1', 'NetworkPolicy', name, {
    spec: {
      podSelector: { matchLabels: { app: name } },
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ port: 80 }], from: [{ podSelector: {} }] }],
    },
  }),
  named('coordination.k8s.io/v1', 'Lease', name, { spec: { holderIdentity: '', leaseDurationSeconds: 15 } }),
  named('rbac.authorization.k8s.io/v1', 'Role', name, {
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [name], verbs: ['get'] }],
  }),
  named('rbac.authorization.k8s.io/v1', 'RoleBinding', name, {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
  }),
  named('gateway.tailscale.com/v1alpha1', 'TailscaleEndpoints', name, {
    spec: { tailnet: 'home', proxy: {}, ports: [{ port: 80 }], endpoints: [{ name: 'a', tailscaleIP: '100.64.0.1', port: 80 }] },
  }),
];

describe.skipIf(!hasApiServer)('apply, against a real API server', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server.stop());

  const options = () => ({ api: server.api, isOurs });
  const pathFor = (object: KubeObject): string => pathOf(resourceOf(object), { namespace: 'default', name: object.metadata.name });
  const get = async (object: KubeObject): Promise<KubeObject> => (await server.api.request({ path: pathFor(object) })) as KubeObject;
  const exists = (object: KubeObject): Promise<boolean> =>
    get(object).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 404) return false;
        throw error;
      },
    );
  const edit = (object: KubeObject, body: object): Promise<unknown> =>
    server.api.request({
      method: 'PATCH',
      path: pathFor(object),
      contentType: 'application/strategic-merge-patch+json',
      query: { fieldManager: 'kubectl-edit' },
      body,
    });
  const make = async (object: KubeObject): Promise<KubeObject> => {
    await applyAll(plan([object], []), options());
    return get(object);
  };

  it('has nothing left to do after one apply, of every kind and with every default filled in', async () => {
    const objects = ofEachKind('all');
    expect(new Set(objects.map(({ kind }) => kind))).toEqual(new Set(Object.keys(managedResources).filter((kind) => kind !== 'Event')));
    await applyAll(plan(objects, []), options());
    expect(plan(objects, await Promise.all(objects.map(get)))).toEqual([]);
  });

  it('changes nothing by applying the same again', async () => {
    const object = deployment('twice');
    const first = await make(object);
    expect((await make(object)).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it.each<[string, object]>([
    ['an image', { spec: { template: { spec: { containers: [{ name: 'envoy', image: 'other:2' }] } } } }],
    ['a label', { metadata: { labels: { 'app.kubernetes.io/managed-by': 'tailplane', app: 'x' } }, spec: { paused: false } }],
    ['arguments', { spec: { template: { spec: { containers: [{ name: 'envoy', args: ['-c', 'y'] }] } } } }],
    [
      'an environment variable',
      { spec: { template: { spec: { containers: [{ name: 'envoy', env: [{ name: 'EMPTY', value: 'x' }] }] } } } },
    ],
    [
      'a removed volume',
      {
        spec: {
          template: {
            spec: {
              volumes: [{ name: 'tmp', $patch: 'delete' }],
              containers: [{ name: 'envoy', volumeMounts: [{ mountPath: '/tmp', $patch: 'delete' }] }],
            },
          },
        },
      },
    ],
    ['a quantity', { spec: { template: { spec: { containers: [{ name: 'envoy', resources: { requests: { cpu: '2' } } }] } } } }],
  ])('notices and repairs what somebody else edits: %s', async (what, body) => {
    const object = deployment(`edited-${what.replaceAll(/[^a-z]/g, '')}`);
    const labelled = what === 'a label' ? { ...object, metadata: { ...object.metadata, labels: { ...ours, app: 'ours' } } } : object;
    const before = await make(labelled);
    await edit(object, body);
    const edited = await get(object);
    const actions = plan([labelled], [edited]);
    expect(actions).toMatchObject([{ do: 'apply' }]);
    await applyAll(actions, options());
    const repaired = await get(object);
    expect(repaired['spec']).toEqual(before['spec']);
    expect(plan([labelled], [repaired])).toEqual([]);
  });

  it('leaves alone what somebody else adds', async () => {
    const object = deployment('added');
    await make(object);
    await edit(object, {
      metadata: { annotations: { theirs: 'x' } },
      spec: { replicas: 3, template: { metadata: { annotations: { restarted: 'now' } } } },
    });
    expect(plan([object], [await get(object)])).toEqual([]);
  });

  it('removes a field that is desired no longer', async () => {
    const object = named('v1', 'ConfigMap', 'less', { data: { one: '1', two: '2' } });
    const standing = await make(object);
    const less = { ...object, data: { one: '1' } };
    await applyAll(plan([less], [standing]), options());
    expect((await get(object))['data']).toEqual({ one: '1' });
  });

  it('does not overwrite a foreign object of the same name, seen or not', async () => {
    const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'foreign', namespace: 'default' }, data: { theirs: 'x' } };
    await server.apply([foreign]);
    const object = named('v1', 'ConfigMap', 'foreign', { data: { ours: 'x' } });
    await expect(applyAll(plan([object], []), options())).rejects.toThrow(ForeignObjectError);
    await expect(applyAll(plan([object], [await get(object)]), options())).rejects.toThrow(
      'ConfigMap default/foreign exists and is not ours',
    );
    expect((await get(object))['data']).toEqual({ theirs: 'x' });
  });

  it('applies to what is ours and was not seen yet', async () => {
    const object = named('v1', 'ConfigMap', 'unseen', { data: { a: '1' } });
    await make(object);
    const [standing] = await applyAll(plan([{ ...object, data: { a: '2' } }], []), options());
    expect(standing?.['data']).toEqual({ a: '2' });
  });

  it('does not touch an object that took the place of the one it saw', async () => {
    const object = named('v1', 'ConfigMap', 'replaced', { data: { a: '1' } });
    const seen = await make(object);
    await server.api.request({ method: 'DELETE', path: pathFor(object) });
    await expect(applyAll(plan([{ ...object, data: { a: '2' } }], [seen]), options())).rejects.toMatchObject({ code: 409 });
    expect(await exists(object)).toBe(false);
    const other = await make(object);
    await expect(applyAll(plan([{ ...object, data: { a: '2' } }], [seen]), options())).rejects.toMatchObject({ code: 422 });
    await apply({ do: 'delete', object: seen }, options());
    expect((await get(object)).metadata.resourceVersion).toBe(other.metadata.resourceVersion);
  });

  it('deletes what is ours, and takes what is gone for deleted', async () => {
    const object = named('v1', 'ConfigMap', 'gone', {});
    const standing = await make(object);
    const actions = plan([], [standing]);
    await applyAll(actions, options());
    expect(await exists(object)).toBe(false);
    await applyAll(actions, options());
    await expect(applyAll(plan([], [{ ...standing, metadata: { name: 'gone', namespace: 'default' } }]), options())).rejects.toThrow(
      ForeignObjectError,
    );
  });

  it('goes on with the others when one is refused, says which and why, and deletes nothing then', async () => {
    const bad = named('v1', 'Service', 'bad', { spec: { ports: [{ port: 99999 }] } });
    const unknown = named('v1', 'Service', 'unknown', { spec: { foo: 1 } });
    const good = named('v1', 'ConfigMap', 'good', {});
    const old = await make(named('v1', 'ConfigMap', 'old', {}));
    const error = await applyAll(plan([bad, unknown, good], [old]), options()).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TerminalError);
    expect((error as Error).message).toMatch(/^Service default\/bad: .*spec\.ports/);
    expect([await exists(good), await exists(old)]).toEqual([true, true]);
    await expect(applyAll(plan([unknown], []), options())).rejects.toThrow(TerminalError);
  });

  it('does not take a missing namespace for a fault of the object', async () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'nowhere' } };
    await expect(applyAll(plan([object], []), options())).rejects.toMatchObject({ name: 'ApiError', code: 404 });
  });

  it('does nothing more once it is told to stop', async () => {
    const object = named('v1', 'ConfigMap', 'stopped', {});
    await expect(applyAll(plan([object], []), { ...options(), signal: AbortSignal.abort(new Error('not the leader')) })).rejects.toThrow(
      'not the leader',
    );
    expect(await exists(object)).toBe(false);
  });
});
