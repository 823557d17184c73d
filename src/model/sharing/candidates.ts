import { localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { areSame, memo } from '../../lib/memo.ts';
import type { Result } from '../../lib/result.ts';
import type { AnyRoute } from '../gateways/tables.ts';
import type { Verdict } from '../route-node.ts';
import { labelFrom, labelWritten, nameAnnotation, serviceNameOf } from './service-names.ts';
import type { Share } from './share.ts';
import { routeKeyOf, type SharedRoute } from './shared-routes.ts';

/** A service that a TailscaleGateway wants on a tailnet, whoever else wants its name. */
export type Candidate = {
  readonly share: Share;
  /** `web`, of `svc:web`. */
  readonly label: string;
  readonly name: string;
  /** What `{namespace}` stands for: of its routes, or, where it stands for the Gateway, of that. */
  readonly namespace: string;
  /** It stands for the Gateway (scope Gateway or RouteAndGateway). */
  readonly ofGateway: boolean;
  /** Oldest first, never empty. */
  readonly routes: readonly SharedRoute[];
};

/** Something that is not shared, or not as asked, and why. */
export type Left = Verdict & { readonly what: string };

export type Candidates = { readonly list: readonly Candidate[]; readonly left: readonly Left[] };

type Named = { readonly label: string; readonly namespace: string; readonly ofGateway: boolean };

/**
 * A function that puts the routes of a Gateway into services: first the one that stands for the Gateway, then those with the oldest routes. Routes of one
 * namespace with one name are one service; those of others are another one, which cannot have the same name. What did not change is the same object.
 */
export const candidatesBuilder = (cluster: string): ((share: Share, routes: readonly SharedRoute[]) => Candidates) => {
  const namesIn = memo((share: Share) => memo((shared: SharedRoute) => namesOf(shared.route, share, cluster)));
  let before: ReadonlyMap<string, Candidate> = new Map();
  let last: { readonly share: Share; readonly routes: readonly SharedRoute[]; readonly candidates: Candidates } | undefined;
  return (share, routes) => {
    if (last?.share === share && last.routes === routes) return last.candidates;
    const groups = new Map<string, { readonly named: Named; readonly routes: SharedRoute[] }>();
    const left: Left[] = [];
    for (const route of routes) {
      if (route.route.kind === 'UDPRoute') {
        left.push({ what: routeKeyOf(route), reason: 'UnsupportedProtocol', message: 'Tailscale Services carry no UDP' });
        continue;
      }
      for (const named of namesIn(share)(route)) {
        if (!named.ok) {
          left.push({ what: routeKeyOf(route), reason: 'InvalidServiceName', message: named.problem });
          continue;
        }
        const at = named.value.ofGateway ? ofGatewayAt : `${named.value.namespace}/${named.value.label}`;
        const group = groups.get(at);
        if (group === undefined) groups.set(at, { named: named.value, routes: [route] });
        else group.routes.push(route);
      }
    }
    const inOrder = [...groups].toSorted(([one], [other]) => Number(other === ofGatewayAt) - Number(one === ofGatewayAt));
    const candidates = new Map(inOrder.map(([at, group]) => [at, settled(before.get(at), candidateFrom(share, group))] as const));
    before = candidates;
    last = { share, routes, candidates: { list: [...candidates.values()], left } };
    return last.candidates;
  };
};

const ofGatewayAt = '';

/** What the services of a route are called; one that stands for the Gateway beside its own is for names of the route's, which bytes have none of. */
const namesOf = (route: AnyRoute, { gateway, settings }: Share, cluster: string): readonly Result<Named, string>[] => {
  const { name, namespace = '', annotations } = route.metadata;
  const written = annotations?.[nameAnnotation];
  const [gatewayNamespace = '', gatewayName = ''] = gateway.split('/');
  const named = (meant: { readonly route: string; readonly namespace: string }, ofGateway: boolean): Result<Named, string> => {
    const label = written === undefined || ofGateway ? labelFrom(settings.namePattern, { ...meant, cluster }) : labelWritten(written);
    return label.ok ? { ok: true, value: { label: label.value, namespace: meant.namespace, ofGateway } } : label;
  };
  const own = written !== undefined || settings.scope !== 'Gateway';
  const whole = settings.scope === 'RouteAndGateway' ? route.kind !== 'TCPRoute' : !own;
  return [
    ...(own ? [named({ route: name, namespace }, false)] : []),
    ...(whole ? [named({ route: gatewayName, namespace: gatewayNamespace }, true)] : []),
  ];
};

type Group = { readonly named: Named; readonly routes: readonly SharedRoute[] };

const candidateFrom = (share: Share, { named: { label, namespace, ofGateway }, routes }: Group): Candidate => ({
  share,
  label,
  name: serviceNameOf(label),
  namespace,
  ofGateway,
  routes,
});

const settled = (before: Candidate | undefined, now: Candidate): Candidate =>
  before !== undefined && before.share === now.share && before.label === now.label && areSame(before.routes, now.routes) ? before : now;

/** For users: `HTTPRoute "default/web"`. */
export const routeText = ({ route }: SharedRoute): string => `${route.kind} "${localKeyOf(route)}"`;

export const routesOf = memo(({ routes }: Candidate): readonly ObjectKey[] => routes.map(routeKeyOf).toSorted());
