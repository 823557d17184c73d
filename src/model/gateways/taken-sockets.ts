import type { Gateway } from '../../api/generated/gateway-api.ts';
import { reuse } from '../../lib/equal.ts';
import { keyOf, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { boundAddressesOf } from './addresses.ts';
import { clashes } from './conflicts.ts';
import { type BoundPort, declaredListeners, isSupportedProtocol, socketKey } from './declared.ts';
import { refusalOf } from './gateway-status.ts';
import { parametersOf } from './parameters.ts';
import { byAge } from './precedence.ts';
import { allowedSetsOf } from './selector.ts';
import type { GatewayTables } from './tables.ts';

type Claim = { readonly key: ObjectKey; readonly addresses: readonly string[] | undefined };
type Asked = Pick<GatewayTables, 'listenerSetsOf' | 'Namespace' | 'GatewayClass' | 'GatewayParameters'>;
type Taken = ReadonlyMap<string, Readonly<Record<string, ObjectKey>>>;

/**
 * Where Gateways share one machine: for each Gateway, as `namespace/name`, the sockets it asks for that an older one holds on a common
 * address. Gateways that are refused hold none. A Gateway's record keeps its identity while it holds the same.
 */
export const takenSocketsBuilder = (boundPort: BoundPort): ((gateways: readonly Gateway[], tables: Asked) => Taken) => {
  let last: Taken = new Map();
  return (gateways, tables) => {
    const read: Read<Asked> = (table, key) => tables[table].get(key) as never;
    const claims = new Map<string, Claim[]>();
    const taken = new Map<string, Readonly<Record<string, ObjectKey>>>();
    const claimants = gateways.filter((gateway) => refusalOf(parametersOf(gateway, read), boundAddressesOf(gateway)) === undefined);
    for (const gateway of claimants.toSorted((one, other) => byAge(one.metadata, other.metadata))) {
      const addresses = boundAddressesOf(gateway).bind;
      const lost: Record<string, ObjectKey> = {};
      for (const socket of socketsAsked(gateway, read, boundPort)) {
        const holders = claims.get(socket) ?? [];
        const holder = holders.find((claim) => overlap(claim.addresses, addresses));
        if (holder !== undefined) lost[socket] = holder.key;
        else claims.set(socket, [...holders, { key: keyOf(gateway), addresses }]);
      }
      const key = localKeyOf(gateway);
      if (Object.keys(lost).length > 0) taken.set(key, reuse(last.get(key) ?? lost, lost));
    }
    last = taken;
    return taken;
  };
};

/** Sockets that a Gateway would have if it were alone. */
const socketsAsked = (gateway: Gateway, read: Read<Asked>, boundPort: BoundPort): ReadonlySet<string> => {
  const objects = declaredListeners(gateway, allowedSetsOf(gateway, read('listenerSetsOf', localKeyOf(gateway)) ?? [], read));
  const clashing = clashes(objects, { boundPort, taken: undefined });
  const standing = objects.flat().filter((listener) => isSupportedProtocol(listener.spec.protocol) && !clashing.has(listener));
  return new Set(standing.map(({ transport, spec }) => socketKey(transport, boundPort(spec.port))));
};

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** All addresses are asked for by none, and by the unspecified ones. */
const overlap = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === undefined ||
  other === undefined ||
  [...one, ...other].some((address) => wildcards.has(address)) ||
  one.some((address) => other.includes(address));
