import type { SharedServices, SharedTailnet, TailscaleGateway } from '../../api/generated/tailscale.ts';
import { keyOf, localKey, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { memo, memoByReads, type Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { gatewayRefusal, gatewayNamedBy } from '../tailnets/gateway-ref.ts';
import { proxySetName } from '../tailnets/names.ts';
import { tailnetFor } from '../tailnets/permission.ts';

/** One tailnet that a TailscaleGateway shares the routes of its Gateway with. */
export type Share = {
  readonly owner: TailscaleGateway;
  readonly key: ObjectKey;
  /** The Gateway, `namespace/name`. */
  readonly gateway: string;
  /** Name of the entry in `spec.tailnets`. */
  readonly entry: string;
  /** Name of the TailscaleTailnet. */
  readonly tailnet: string;
  readonly settings: Settings;
  /** StatefulSet of the proxies that host its services, `namespace/name`. */
  readonly set: string;
  /** Its own proxies, or those of a TailscaleProxyGroup. */
  readonly hosts: 'own' | 'group';
  /** Why it can have no proxies. */
  readonly unhosted?: Verdict;
  /** It is going: nothing is shared any more. */
  readonly going: boolean;
};

/** What users say, and where they say nothing our default. */
export type Settings = Pick<
  SharedServices,
  'namePattern' | 'scope' | 'gatewayAddresses' | 'comment' | 'autoApprove' | 'redirect' | 'certificate'
> & {
  readonly withdraws: boolean;
  /** Other than `/` means nothing: routes keep their own paths. */
  readonly pathPrefix: string;
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly hostPattern: string;
  readonly tags: readonly string[];
};

const defaults = {
  namePattern: '{route}',
  scope: 'Route',
  gatewayAddresses: 'Append',
  autoApprove: false,
  redirect: true,
  withdrawWhenUnhealthy: true,
} as const satisfies SharedServices;
const defaultNames = { protocol: 'HTTPS', hostPattern: '{service}.{tailnet}.gateway.local', pathPrefix: '/' } as const;

/** The tag of Tailscale's own operator, for what nobody gives one. */
export const defaultTags: readonly string[] = ['tag:k8s'];

/**
 * What a TailscaleGateway shares, one for each tailnet that it may share with; nothing where its Gateway is not there or may not be named. The same
 * array while what it looked up is the same.
 */
export const sharesOf = (): ((gateway: TailscaleGateway, tables: ModelTables) => readonly Share[]) =>
  memoByReads<ModelTables, TailscaleGateway, readonly Share[]>((gateway, read) =>
    gatewayRefusal(gateway, read) === undefined
      ? (gateway.spec.tailnets ?? []).filter(isShared).flatMap((tailnet) => shareFrom(tailnet, gateway, read))
      : [],
  );

/** Asked for by `services` or `routeGeneration.ingress`, and not switched off. */
export const isShared = ({ routeGeneration, services }: SharedTailnet): boolean =>
  (services !== undefined || routeGeneration?.ingress !== undefined) && routeGeneration?.ingress?.enabled !== false;

const shareFrom = (tailnet: SharedTailnet, owner: TailscaleGateway, read: Read<ModelTables>): readonly Share[] => {
  const namespace = owner.metadata.namespace ?? '';
  const permitted = tailnetFor(tailnet.tailscaleTailnetRef.name, namespace, read);
  if (!permitted.ok) return [];
  const ref = tailnet.tailscaleTailnetRef.name;
  const { withdrawWhenUnhealthy, comment, certificate, ...services } = { ...defaults, ...tailnet.services };
  const { protocol, hostPattern, pathPrefix } = { ...defaultNames, ...tailnet.routeGeneration?.ingress };
  return [
    {
      owner,
      key: keyOf(owner),
      gateway: gatewayNamedBy(owner),
      entry: tailnet.name,
      tailnet: ref,
      settings: {
        namePattern: services.namePattern,
        scope: services.scope,
        gatewayAddresses: services.gatewayAddresses,
        autoApprove: services.autoApprove,
        redirect: services.redirect,
        ...present({ comment, certificate }),
        withdraws: withdrawWhenUnhealthy,
        protocol,
        hostPattern,
        pathPrefix,
        tags: [services.tags, permitted.value.spec.tags].find((tags) => tags !== undefined && tags.length > 0) ?? defaultTags,
      },
      ...hostsOf(tailnet, owner, read),
      going: owner.metadata.deletionTimestamp !== undefined,
    },
  ];
};

/** Who hosts the services of one tailnet. */
const hostsOf = (
  { name, services, tailscaleTailnetRef }: SharedTailnet,
  owner: TailscaleGateway,
  read: Read<ModelTables>,
): Pick<Share, 'set' | 'hosts' | 'unhosted'> => {
  const namespace = owner.metadata.namespace ?? '';
  const named = services?.proxyGroup;
  if (named === undefined)
    return { set: localKey(namespace, sharingSetName(owner, name)), hosts: 'own', ...present({ unhosted: nameTaken(owner, name, read) }) };
  const group = read('TailscaleProxyGroup', localKey(namespace, named));
  const set = localKey(namespace, group === undefined ? named : proxySetName(keyOf(group)));
  const unhosted = (reason: string, message: string) => ({ set, hosts: 'group', unhosted: { reason, message } }) as const;
  if (group === undefined) return unhosted('ProxyGroupNotFound', `services.proxyGroup: TailscaleProxyGroup "${named}" not found`);
  if (group.spec.type !== 'ingress')
    return unhosted('InvalidProxyGroup', `services.proxyGroup: TailscaleProxyGroup "${named}" is of type ${group.spec.type}, not ingress`);
  if (group.spec.tailnet !== tailscaleTailnetRef.name)
    return unhosted(
      'InvalidProxyGroup',
      `services.proxyGroup: TailscaleProxyGroup "${named}" is in tailnet "${group.spec.tailnet}", not in "${tailscaleTailnetRef.name}"`,
    );
  if (group.spec.mode === 'forward')
    return unhosted(
      'InvalidProxyGroup',
      `services.proxyGroup: TailscaleProxyGroup "${named}" is of mode forward, which hides from Envoys who a peer is: use one of mode connect`,
    );
  return { set, hosts: 'group' };
};

/** The StatefulSet of a TailscaleGateway's own proxies for one entry of `spec.tailnets`. */
export const sharingSetName = (owner: TailscaleGateway, entry: string): string => proxySetName(keyOf(owner), `${entry}-ingress`);

/** A TailscaleEndpoints called as if it were this entry has the name already. */
const nameTaken = (owner: TailscaleGateway, entry: string, read: Read<ModelTables>): Verdict | undefined => {
  const { namespace = '', name } = owner.metadata;
  const other = read('TailscaleEndpoints', localKey(namespace, `${name}-${entry}`));
  const { connectionType = 'egress', mode } = other?.spec.proxy ?? {};
  if (other === undefined || connectionType === 'egress' || mode === 'direct') return undefined;
  const message = `its proxies would be called "${sharingSetName(owner, entry)}", as those of TailscaleEndpoints "${localKeyOf(other)}" are: name the entry of spec.tailnets otherwise`;
  return { reason: 'NameTaken', message };
};

/** Shares by their TailscaleGateway, `namespace/name`; the same lists while they hold the same. */
export const sharesByOwner = memo((shares: readonly (readonly [Share, unknown])[]): ReadonlyMap<string, readonly Share[]> =>
  Map.groupBy(
    shares.map(([share]) => share),
    ({ owner }) => localKeyOf(owner),
  ),
);
