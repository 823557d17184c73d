import type { Gateway, ListenerSet } from '../../api/generated/gateway-api.ts';
import { keyOf, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { addressesOf } from './addresses.ts';
import { boundPortOf, declaredListeners, socketKey } from './declared.ts';
import { byAge } from './precedence.ts';

type Claim = { readonly key: ObjectKey; readonly addresses: readonly string[] };

/**
 * Where Gateways share one machine: for each Gateway, as `namespace/name`, the sockets it asks for that an older one holds on a common
 * address. No address means every address. A Gateway's map keeps its identity while it holds the same.
 */
export const takenSocketsBuilder = (
  privilegedPorts: boolean,
): ((
  gateways: readonly Gateway[],
  sets: ReadonlyMap<string, readonly ListenerSet[]>,
) => ReadonlyMap<string, ReadonlyMap<string, ObjectKey>>) => {
  let last: ReadonlyMap<string, ReadonlyMap<string, ObjectKey>> = new Map();
  return (gateways, sets) => {
    const claims = new Map<string, Claim[]>();
    const taken = new Map<string, ReadonlyMap<string, ObjectKey>>();
    for (const gateway of gateways.toSorted((one, other) => byAge(one.metadata, other.metadata))) {
      const own = socketsAsked(gateway, sets.get(localKeyOf(gateway)) ?? [], privilegedPorts);
      const addresses = addressesOf(gateway).bind;
      const lost = new Map<string, ObjectKey>();
      for (const socket of own) {
        const holder = claims.get(socket)?.find((claim) => overlap(claim.addresses, addresses));
        if (holder !== undefined) lost.set(socket, holder.key);
        else claims.set(socket, [...(claims.get(socket) ?? []), { key: keyOf(gateway), addresses }]);
      }
      if (lost.size > 0) taken.set(localKeyOf(gateway), same(last.get(localKeyOf(gateway)), lost));
    }
    last = taken;
    return taken;
  };
};

const socketsAsked = (gateway: Gateway, sets: readonly ListenerSet[], privilegedPorts: boolean): ReadonlySet<string> =>
  new Set(
    declaredListeners(gateway, sets).flatMap((object) =>
      object.map(({ transport, spec }) => socketKey(transport, boundPortOf(spec.port, privilegedPorts))),
    ),
  );

const overlap = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === 0 || other.length === 0 || one.some((address) => other.includes(address));

const same = (last: ReadonlyMap<string, ObjectKey> | undefined, next: ReadonlyMap<string, ObjectKey>): ReadonlyMap<string, ObjectKey> =>
  last !== undefined && last.size === next.size && [...next].every(([socket, holder]) => last.get(socket) === holder) ? last : next;
