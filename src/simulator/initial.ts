import { stableId } from './identity.ts';
import { join } from './state-devices.ts';
import type { Policy, Tailnet, World } from './state.ts';

/** Lets the operator's tag hand out the proxies' tags, and proxies host services without an admin. */
export const initialPolicy: Policy = {
  tagOwners: { 'tag:k8s-operator': ['autogroup:admin'], 'tag:k8s': ['tag:k8s-operator'] },
  grants: [{ src: ['*'], dst: ['*'], ip: ['*'] }],
  autoApprovers: { services: { 'tag:k8s': ['tag:k8s'] } },
};

const settings: Tailnet['settings'] = {
  aclsExternallyManagedOn: false,
  aclsExternalLink: '',
  devicesApprovalOn: false,
  devicesAutoUpdatesOn: false,
  devicesKeyDurationDays: 180,
  usersApprovalOn: false,
  usersRoleAllowedToJoinExternalTailnets: 'admin',
  networkFlowLoggingOn: false,
  regionalRoutingOn: false,
  postureIdentityCollectionOn: false,
  httpsEnabled: true,
};

/** An empty tailnet `name` with one OAuth client that may do everything; its MagicDNS suffix is `<name>.ts.net`. */
export const tailnetNamed = (name: string, client: { readonly id: string; readonly secret: string }, seed: string): Tailnet => ({
  id: stableId(`${seed}/${name}`, 'T', 0),
  name,
  domain: `${name}.ts.net`,
  seed: `${seed}/${name}`,
  serial: 0,
  devicesMade: 0,
  servicesMade: 0,
  credentials: [{ ...client, scopes: ['all'], tags: ['tag:k8s-operator'] }],
  grants: [],
  devices: [],
  keys: [],
  services: [],
  approvals: [],
  policy: initialPolicy,
  dns: { nameservers: [], searchPaths: [], splitDns: {}, magicDNS: true },
  settings,
});

/** Where every simulation starts: tailnet `simulated`, OAuth client `simulated`/`simulated`, one machine `demo` online. `now` in milliseconds since 1970. */
export const initialWorld = (seed: string, now: number): World => {
  const empty = tailnetNamed('simulated', { id: 'simulated', secret: 'simulated' }, seed);
  return { tailnets: [join(empty, { hostname: 'demo', tags: ['tag:k8s'] }, now).tailnet] };
};
