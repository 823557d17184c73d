import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { managedResources } from '../../controllers/runtime/kinds.ts';
import { kindsWithStatus } from '../../controllers/status/standing.ts';
import { caSecretName } from '../../controllers/xds-certificates/secret.ts';
import { allKinds, gatewayGroup, kinds, tailscaleGroup } from '../../src/api/kinds.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import { hasHelm, rendered } from '../support/helm.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const account = 'system:serviceaccount:tailplane-system:tailplane';

type Wish = {
  readonly verb: string;
  readonly group: string;
  /** `plural` or `plural/subresource`. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
};

const wish = (verb: string, group: string, resource: string, namespace?: string, name?: string): Wish => ({
  verb,
  group,
  resource,
  ...(namespace !== undefined && { namespace }),
  ...(name !== undefined && { name }),
});

/** Whether whoever `api` speaks as may do it, by the API server's own word. */
const may = async (api: ApiServer, { resource, ...rest }: Wish): Promise<boolean> => {
  const [plural, subresource] = resource.split('/');
  const { status } = (await api.request({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { ...rest, resource: plural, ...(subresource !== undefined && { subresource }) } },
    },
  })) as { readonly status: { readonly allowed: boolean } };
  return status.allowed;
};

/** Those of `wishes` that are, or are not, granted. */
const granted = async (api: ApiServer, wishes: readonly Wish[], expected: boolean): Promise<readonly Wish[]> => {
  const answers = await Promise.all(wishes.map(async (one) => ({ one, allowed: await may(api, one) })));
  return answers.filter(({ allowed }) => allowed === expected).map(({ one }) => one);
};

const read = ['get', 'list', 'watch'] as const;
const manage = [...read, 'create', 'patch', 'delete'] as const;

const reads = (namespace: string): readonly Wish[] =>
  allKinds
    .filter((kind) => kinds[kind].scope === 'Namespaced')
    .flatMap((kind) => read.map((verb) => wish(verb, kinds[kind].group, kinds[kind].plural, namespace)));
const clusterReads: readonly Wish[] = [
  ...allKinds
    .filter((kind) => kinds[kind].scope === 'Cluster')
    .flatMap((kind) => read.map((verb) => wish(verb, kinds[kind].group, kinds[kind].plural))),
  ...read.map((verb) => wish(verb, 'apiextensions.k8s.io', 'customresourcedefinitions')),
];
const statusesOf = (scope: 'Cluster' | 'Namespaced', namespace?: string): readonly Wish[] =>
  kindsWithStatus
    .filter((kind) => kinds[kind].scope === scope)
    .map((kind) => wish('patch', kinds[kind].group, `${kinds[kind].plural}/status`, namespace));
const clusterStatuses = statusesOf('Cluster');
const statuses = (namespace: string): readonly Wish[] => statusesOf('Namespaced', namespace);
const provisioned = (({
  Deployment,
  Service,
  ServiceAccount,
  ConfigMap,
  Secret,
  PodDisruptionBudget,
  HorizontalPodAutoscaler,
  NetworkPolicy,
}) => [Deployment, Service, ServiceAccount, ConfigMap, Secret, PodDisruptionBudget, HorizontalPodAutoscaler, NetworkPolicy])(
  managedResources,
);
const provisions = (namespace: string): readonly Wish[] => [
  ...provisioned.flatMap(({ group, plural }) => manage.map((verb) => wish(verb, group, plural, namespace))),
  wish('update', gatewayGroup, 'gateways/finalizers', namespace),
];
const events = (namespace: string): readonly Wish[] => ['create', 'patch'].map((verb) => wish(verb, 'events.k8s.io', 'events', namespace));
const own = (lease: string): readonly Wish[] => [
  wish('create', 'coordination.k8s.io', 'leases', 'tailplane-system'),
  ...['get', 'update'].map((verb) => wish(verb, 'coordination.k8s.io', 'leases', 'tailplane-system', lease)),
  wish('create', '', 'secrets', 'tailplane-system'),
  ...[...read, 'update'].map((verb) => wish(verb, '', 'secrets', 'tailplane-system', caSecretName)),
  ...manage.map((verb) => wish(verb, '', 'configmaps', 'tailplane-system')),
];

const rbacGroup = 'rbac.authorization.k8s.io';

/** Templates make and take away TailscaleEndpoints; finalizers guard those and TailscaleProxyGroups while there are proxies. */
const ownWrites = [
  'create tailscaleendpoints',
  'patch tailscaleendpoints',
  'delete tailscaleendpoints',
  'patch tailscaleproxygroups',
  'patch tailscalegateways',
];

const proxies = (namespace: string): readonly Wish[] => [
  ...manage.flatMap((verb) => [
    wish(verb, 'apps', 'statefulsets', namespace),
    ...['roles', 'rolebindings'].map((resource) => wish(verb, rbacGroup, resource, namespace)),
    ...['services', 'serviceaccounts', 'configmaps', 'secrets'].map((resource) => wish(verb, '', resource, namespace)),
    wish(verb, 'policy', 'poddisruptionbudgets', namespace),
    wish(verb, 'networking.k8s.io', 'networkpolicies', namespace),
  ]),
  ...read.map((verb) => wish(verb, '', 'pods', namespace)),
  ...ownWrites.map((line) => wish(line.split(' ')[0] ?? '', tailscaleGroup, line.split(' ')[1] ?? '', namespace)),
];

/** What would be worth having to whoever takes over a replica. */
const neverAllowed: readonly Wish[] = [
  wish('*', '*', '*'),
  wish('create', '', 'pods', 'shop'),
  wish('create', '', 'pods/exec', 'shop'),
  wish('create', '', 'serviceaccounts/token', 'shop'),
  wish('impersonate', '', 'users'),
  wish('patch', '', 'nodes'),
  wish('patch', '', 'namespaces', 'shop', 'shop'),
  wish('deletecollection', '', 'secrets', 'shop'),
  wish('deletecollection', 'apps', 'deployments', 'shop'),
  wish('create', 'apps', 'daemonsets', 'shop'),
  ...['clusterroles', 'clusterrolebindings'].flatMap((resource) =>
    ['create', 'patch', 'bind', 'escalate'].map((verb) => wish(verb, rbacGroup, resource)),
  ),
  // Proxies have roles of their own, with nothing in them that tailplane has not itself.
  ...['roles', 'rolebindings'].flatMap((resource) => ['bind', 'escalate'].map((verb) => wish(verb, rbacGroup, resource))),
  wish('patch', 'apiextensions.k8s.io', 'customresourcedefinitions'),
  wish('patch', 'admissionregistration.k8s.io', 'mutatingwebhookconfigurations'),
  ...allKinds
    .filter((kind) => kinds[kind].group !== '')
    .flatMap((kind) => ['create', 'update', 'patch', 'delete'].map((verb) => wish(verb, kinds[kind].group, kinds[kind].plural, 'shop')))
    .filter(({ verb, resource }) => !ownWrites.includes(`${verb} ${resource}`)),
  wish('update', 'coordination.k8s.io', 'leases', 'kube-system', 'kube-scheduler'),
  wish('update', 'coordination.k8s.io', 'leases', 'tailplane-system', 'somebody-else'),
];

let server: TestApiServer;
beforeAll(async () => {
  if (hasApiServer) server = await startApiServer();
});
afterAll(() => server?.stop());

describe.skipIf(!hasApiServer)('examples/install.yaml in a real API server', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = connect({ kubeconfig: server.kubeconfigFor(account) });
    await server.apply(readFileSync(join(import.meta.dirname, '../../examples/install.yaml'), 'utf8'));
  });

  it('can be applied again', async () => {
    const before = await server.api.request({ path: '/apis/apps/v1/namespaces/tailplane-system/deployments/tailplane' });
    await server.apply(readFileSync(join(import.meta.dirname, '../../examples/install.yaml'), 'utf8'));
    expect(await server.api.request({ path: '/apis/apps/v1/namespaces/tailplane-system/deployments/tailplane' })).toEqual(before);
  });

  it.each([
    ['read what has no namespace', clusterReads],
    ['read every kind of configuration, anywhere', reads('shop')],
    ['write the status of what has no namespace', clusterStatuses],
    ['write the status of all else', statuses('shop')],
    ['run Envoys anywhere', provisions('shop')],
    ['run proxies anywhere', proxies('shop')],
    ['tell of events', [...events('shop'), ...events('default')]],
    ['keep its Lease, its CA and what its replicas say', own('tailplane')],
  ])('lets tailplane %s', async (_, wishes) => {
    expect(await granted(api, wishes, false)).toEqual([]);
  });

  it('lets tailplane do nothing that it does not need', async () => {
    expect(await granted(api, neverAllowed, true)).toEqual([]);
  });
});

describe.skipIf(!hasApiServer || !hasHelm)('the chart for two namespaces in a real API server', () => {
  let api: ApiServer;
  beforeAll(async () => {
    // Beside the other installation, so that its rights must be somebody else's: alice's.
    api = connect({ kubeconfig: server.kubeconfigFor('alice') });
    const namespaces = ['tailplane-system', 'shop', 'infra'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    const objects = await rendered({ watchNamespaces: ['shop', 'infra'], fullnameOverride: 'scoped', gatewayClass: { create: false } });
    const alice = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }];
    await server.apply([
      ...namespaces,
      ...objects.map((object) => (object['subjects'] === undefined ? object : { ...object, subjects: alice })),
    ]);
  });

  it('lets tailplane work in both', async () => {
    const wishes = ['shop', 'infra'].flatMap((namespace) =>
      [reads, statuses, provisions, proxies, events].flatMap((some) => some(namespace)),
    );
    expect(await granted(api, [...wishes, ...clusterReads, ...clusterStatuses, ...own('scoped'), ...events('default')], false)).toEqual([]);
  });

  it('lets tailplane neither look nor write anywhere else', async () => {
    const elsewhere = [reads, statuses, provisions, proxies].flatMap((some) => some('elsewhere'));
    const everywhere = [
      wish('list', '', 'secrets'),
      wish('list', '', 'secrets', 'tailplane-system'),
      wish('list', gatewayGroup, 'gateways'),
      ...neverAllowed,
    ];
    expect(await granted(api, [...elsewhere, ...everywhere], true)).toEqual([]);
  });
});
