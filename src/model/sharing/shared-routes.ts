import { keyOf } from '../../lib/key.ts';
import { areSame, memo, sameElements } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { Attached, Attachments } from '../gateways/attach.ts';
import type { JudgedListener } from '../gateways/judge.ts';
import { oldestFirst } from '../gateways/precedence.ts';
import type { AnyRoute } from '../gateways/tables.ts';
import type { TlsTermination } from '../graph.ts';
import { isGenerated } from '../tailnets/generated.ts';

/** A route on one listener of its Gateway. */
export type Place = { readonly listener: JudgedListener; readonly attached: Attached };

/** A route of a Gateway and every listener that took it, never none, in the Gateway's order. */
export type SharedRoute = { readonly route: AnyRoute; readonly places: readonly Place[] };

/**
 * A function that gives the routes of one Gateway, oldest first, less those that nobody wrote. A route that stands where it stood is the same object,
 * and so is the list.
 */
export const sharedRoutesBuilder = (): ((on: Attachments['on']) => readonly SharedRoute[]) => {
  const known = new WeakMap<AnyRoute, SharedRoute>();
  let source: Attachments['on'] | undefined;
  let last: readonly SharedRoute[] = [];
  return (on) => {
    if (on === source) return last;
    source = on;
    const places = new Map<AnyRoute, Place[]>();
    for (const [listener, routes] of on) {
      if (!listener.accepted) continue;
      const placeOf = placesOn(listener);
      for (const attached of routes) {
        const { route } = attached;
        if (isGenerated(route.metadata.name)) continue;
        const ofRoute = places.get(route);
        if (ofRoute === undefined) places.set(route, [placeOf(attached)]);
        else ofRoute.push(placeOf(attached));
      }
    }
    const routes = [...places].map(([route, now]) => {
      const before = known.get(route);
      const settled = before !== undefined && areSame(before.places, now) ? before : { route, places: now };
      known.set(route, settled);
      return settled;
    });
    last = sameElements(
      last,
      oldestFirst(routes, ({ route }) => route.metadata),
    );
    return last;
  };
};

const placesOn = memo((listener: JudgedListener) => memo((attached: Attached): Place => ({ listener, attached })));

export const routeKeyOf = memo(({ route }: SharedRoute) => keyOf(route));

/** How a port of a service is answered: `tls` passes connections on still encrypted, `tls-end` ends them. */
export type Mode = 'http' | 'https' | 'tls' | 'tls-end' | 'tcp';

/** A port that a route asks for, and the places that it is for. */
export type Ask = { readonly port: number; readonly mode: Mode; readonly places: readonly Place[] };

/** The ports that a route asks for: one for HTTP, by what the TailscaleGateway says; else those of the listeners it is on. Of UDP none. */
export const asksOf = ({ route, places }: SharedRoute, protocol: 'http' | 'https'): readonly Ask[] => {
  switch (route.kind) {
    case 'HTTPRoute':
    case 'GRPCRoute':
      return [{ port: protocol === 'http' ? 80 : 443, mode: protocol, places: encryptedFirst(places) }];
    case 'TLSRoute':
    case 'TCPRoute':
      return [
        ...Map.groupBy(
          places.filter(({ listener }) => listener.serves),
          ({ listener }) => listener.spec.port,
        ),
      ].map(([port, at]) => ({
        port,
        mode: modeOf(at[0]),
        places: at,
      }));
    case 'UDPRoute':
      return [];
  }
};

const modeOf = (place: Place | undefined): Mode => {
  if (place?.listener.spec.protocol === 'TCP') return 'tcp';
  return place?.listener.tls === undefined ? 'tls' : 'tls-end';
};

/** The first place is whose policies count. */
const encryptedFirst = (places: readonly Place[]): readonly Place[] =>
  places.length === 1
    ? places
    : places.toSorted((one, other) => Number(other.listener.tls !== undefined) - Number(one.listener.tls !== undefined));

/** How TLS ends at these places: all their certificates, and the strictest of what they ask of clients; undefined where it ends at none. */
export const terminationAt = (places: readonly Place[]): TlsTermination | undefined => {
  const terminations = places.flatMap(({ listener }) => (listener.tls === undefined ? [] : [listener.tls]));
  if (terminations.length === 0) return undefined;
  const certificates = new Map(
    terminations.flatMap((tls) => tls.certificates.map((certificate) => [certificate.id, certificate] as const)),
  );
  const validations = terminations.flatMap(({ clientValidation }) => clientValidation ?? []);
  return {
    certificates: [...certificates.values()],
    ...present({
      clientValidation: validations.find(({ insecureFallback }) => !insecureFallback) ?? validations[0],
      minVersion: terminations.some(({ minVersion }) => minVersion === '1.3') ? ('1.3' as const) : terminations[0]?.minVersion,
    }),
  };
};
