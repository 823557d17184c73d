import type { BackendTLSPolicy, Gateway, ListenerSet } from '../../api/generated/gateway-api.ts';
import { gathering } from '../../lib/gather.ts';
import { byCodeUnit, keyOf, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { memo, memoByReads } from '../../lib/memo.ts';
import { reuse, reuseBy } from '../../lib/equal.ts';
import { conditionsOf } from '../conditions.ts';
import type { Backend, Gateway as GatewayNode, Socket, TlsSecret } from '../graph.ts';
import type { Infrastructure } from '../infrastructure.ts';
import type { PolicyVerdict } from '../routes/backend-tls.ts';
import type { AncestorStatus, ParentStatus, Status } from '../status.ts';
import { assignedAddressesOf, boundAddressesOf } from './addresses.ts';
import { type Attached, type Attachments, attach, type RefOutcome } from './attach.ts';
import { clientCertificateOf } from './client-certificate.ts';
import { clashes } from './conflicts.ts';
import { type BoundPort, declaredListeners } from './declared.ts';
import { gatewayStatusOf, refusalOf, standingOf } from './gateway-status.ts';
import { type JudgedListener, judge } from './judge.ts';
import { listenerSetStatusOf, type Unreachable } from './listener-set-status.ts';
import { listenerStatusOf } from './listener-status.ts';
import { infrastructureOf } from './infrastructure.ts';
import { parametersOf } from './parameters.ts';
import { policiesUsed } from './policies.ts';
import { parentStatuses } from './route-status.ts';
import { allowedSetsOf } from './selector.ts';
import { socketsOf } from './sockets.ts';
import type { AnyRoute, GatewayTables } from './tables.ts';

/** What parentRefs of one route came to, by their indexes. */
export type Said = readonly (readonly [refIndex: number, status: ParentStatus])[];

/** What one Gateway came to, and what it means for the status of everything around it. */
export type DerivedGateway = {
  /** Absent, both, when the Gateway as a whole is not accepted. */
  readonly node?: GatewayNode;
  readonly infrastructure?: Infrastructure;
  /** Routes of each of its listeners, oldest first; absent with the node. */
  readonly attached?: Attachments['on'];
  /** Of the Gateway and its ListenerSets. */
  readonly statuses: ReadonlyMap<ObjectKey, Status>;
  /** For each route, what its parentRefs to this Gateway came to, and what its status says of that, by index of the parentRef. */
  readonly outcomes: Attachments['outcomes'];
  readonly said: (route: AnyRoute) => Said;
  /** For each BackendTLSPolicy that its routes use. */
  readonly ancestors: ReadonlyMap<ObjectKey, AncestorStatus>;
};

export type GatewayOptions = {
  readonly controllerName: string;
  readonly boundPort: BoundPort;
  /** IP literals that status gives for Gateways without addresses of their own. */
  readonly defaultAddresses: readonly string[];
  /**
   * Whether objects live on a cluster: there each Gateway has Envoys of its own behind an address that the cluster gives it, and what names
   * a parent or class that does not exist may be somebody else's. Otherwise Envoys bind this machine's addresses, and nobody else answers.
   */
  readonly onCluster?: boolean;
};

/** Derives one Gateway, again only when something it looked up has changed. */
export const gatewayDeriver = ({
  controllerName,
  boundPort,
  defaultAddresses,
  onCluster = false,
}: GatewayOptions): ((gateway: Gateway, tables: GatewayTables) => DerivedGateway) => {
  const parentStatusOf = parentStatuses(controllerName);
  const saidOf = memo((outcomes: readonly RefOutcome[]): Said => outcomes.map((outcome) => [outcome.refIndex, parentStatusOf(outcome)]));
  return memoByReads<GatewayTables, Gateway, DerivedGateway>((gateway, read) => {
    const key = localKeyOf(gateway);
    const sets = read('listenerSetsOf', key) ?? [];
    const allowed = allowedSetsOf(gateway, sets, read);
    const objects = declaredListeners(gateway, allowed);
    const clashing = clashes(objects, { boundPort, taken: read('takenSockets', key) });
    const judged = objects.flat().map((listener) => judge(listener, gateway, clashing.get(listener), read));
    const listeners = settledListeners(gateway)(judged);
    const attachments = attach(gateway, sets.map(keyOf), listeners, read);
    const addresses = onCluster ? assignedAddressesOf(gateway) : boundAddressesOf(gateway);
    const clientCertificate = clientCertificateOf(gateway, read);
    const parameters = parametersOf(gateway, read);
    const refused = refusalOf(parameters, addresses);
    const statusOf = (listener: JudgedListener) => listenerStatusOf(listener, listeners, attachments.on.get(listener) ?? [], refused);
    const of = (owner: Gateway | ListenerSet): readonly JudgedListener[] => listeners.filter((listener) => listener.owner === owner);
    const facts = {
      addresses,
      defaultAddresses,
      listeners: of(gateway),
      served: listeners.some(({ serves }) => serves),
      statuses: of(gateway).map(statusOf),
      ...(clientCertificate?.ok === false ? { clientCertificate: clientCertificate.problem } : {}),
      ...(refused === undefined ? {} : { refused }),
    };
    const standing = standingOf(gateway, facts);
    const setStatuses = sets.map((set) => {
      const reachable = allowed.includes(set) ? standing.parent : notAllowed(gateway);
      return [keyOf(set), listenerSetStatusOf(set, of(set), of(set).map(statusOf), reachable)] as const;
    });
    const attachedListenerSets = setStatuses.filter(([, { conditions }]) => isAccepted(conditions)).length;
    const status = gatewayStatusOf(gateway, { ...facts, conditions: standing.conditions, attachedListenerSets });
    const ancestors = policiesUsed(attachments, read).map(
      (policy) => [keyOf(policy), ancestorStatusOf(gateway, policy, read('policyVerdicts', keyOf(policy)) ?? {}, controllerName)] as const,
    );
    const sockets = (): readonly Socket[] =>
      addresses.bind?.length === 0 ? [] : socketsOf(listeners, attachments, { addresses: addresses.bind ?? [], boundPort });
    const served = (): Served => {
      const node = {
        key: keyOf(gateway),
        namespace: gateway.metadata.namespace ?? '',
        name: gateway.metadata.name,
        sockets: sockets(),
        ...uses(listeners, attachments, clientCertificate?.ok === true ? clientCertificate.value : undefined),
      };
      return {
        node,
        attached: attachments.on,
        infrastructure: infrastructureOf(gateway, node.sockets, parameters.ok ? parameters.value : {}, addresses.asked),
      };
    };
    return {
      ...(standing.accepted ? served() : {}),
      statuses: new Map([[keyOf(gateway), status], ...setStatuses]),
      outcomes: attachments.outcomes,
      said: sayer(attachments.outcomes, saidOf),
      ancestors: new Map(ancestors),
    };
  });
};

/** Gives a Gateway's listeners, those that mean what they meant as the same objects as before: what hangs on them is not made again. */
const settledListeners = memo<Gateway, (judged: readonly JudgedListener[]) => readonly JudgedListener[]>(() => {
  let last: readonly JudgedListener[] = [];
  return (judged) => {
    last = reuseBy(last, judged, ({ name }) => name, reuse);
    return last;
  };
});

type Served = Required<Pick<DerivedGateway, 'node' | 'infrastructure' | 'attached'>>;

const isAccepted = (conditions: readonly { readonly type: string; readonly status: string }[]): boolean =>
  conditions.some(({ type, status }) => type === 'Accepted' && status === 'True');

const notAllowed = (gateway: Gateway): Unreachable => {
  const message = `spec.allowedListeners of Gateway "${localKeyOf(gateway)}" does not admit ListenerSets of this namespace`;
  return { accepted: { reason: 'NotAllowed', message }, programmed: { reason: 'NotAllowed', message } };
};

type Uses = Pick<GatewayNode, 'backends' | 'secrets' | 'clientCertificate'>;

/** Everything the routes on served listeners use, each once and in order. */
const uses = (listeners: readonly JudgedListener[], { on }: Attachments, clientCertificate: TlsSecret | undefined): Uses => {
  const used = listeners.filter(({ serves }) => serves).map((listener) => usedOn(listener)(on.get(listener) ?? []));
  const own = listeners.flatMap(({ serves, tls }) =>
    serves ? [...(tls?.certificates ?? []), ...(tls?.clientValidation ? [tls.clientValidation.ca] : [])] : [],
  );
  return {
    backends: united(used.map(({ backends }) => backends)),
    secrets: united([...used.map(({ secrets }) => secrets), inOrder(clientCertificate === undefined ? own : [...own, clientCertificate])]),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
};

/** What routes on one listener use, in order; of thousands that are the same as before none is looked at. */
const usedOn = memo((listener: JudgedListener): ((attached: readonly Attached[]) => Pick<Uses, 'backends' | 'secrets'>) => {
  const usedBy = ({ node }: Attached) => (listener.tls === undefined ? node : (node.terminated ?? node));
  const backends = gathering<Attached, Backend>((attached) => usedBy(attached).backends, idOf);
  const secrets = gathering<Attached, TlsSecret>((attached) => usedBy(attached).secrets, idOf);
  return (attached) => ({ backends: backends(attached), secrets: secrets(attached) });
});

const idOf = ({ id }: { readonly id: string }): string => id;

/** All of some lists in order, each once and in order; one that is alone stays itself. */
const united = <V extends { readonly id: string }>(lists: readonly (readonly V[])[]): readonly V[] => {
  const [first = [], ...others] = lists.filter(({ length }) => length > 0);
  return others.length === 0 ? first : inOrder([first, ...others].flat());
};

const inOrder = <V extends { readonly id: string }>(values: readonly V[]): readonly V[] =>
  [...new Map(values.map((value) => [value.id, value])).values()].toSorted((one, other) => byCodeUnit(one.id, other.id));

const noOutcomes: readonly RefOutcome[] = [];

/** By itself, for it is kept: a function made while deriving would hold what that looked things up in. */
const sayer =
  (outcomes: Attachments['outcomes'], saidOf: (outcomes: readonly RefOutcome[]) => Said): DerivedGateway['said'] =>
  (route) =>
    saidOf(outcomes.get(route) ?? noOutcomes);

const ancestorStatusOf = (
  gateway: Gateway,
  policy: BackendTLSPolicy,
  { rejected, unresolved }: PolicyVerdict,
  controllerName: string,
): AncestorStatus => {
  const conditions = conditionsOf(policy.metadata.generation);
  return {
    ancestorRef: {
      group: 'gateway.networking.k8s.io',
      kind: 'Gateway',
      namespace: gateway.metadata.namespace ?? '',
      name: gateway.metadata.name,
    },
    controllerName,
    conditions: [
      conditions.unless(rejected, 'Accepted', 'The policy is accepted'),
      conditions.unless(unresolved, 'ResolvedRefs', 'All references resolve'),
    ],
  };
};
