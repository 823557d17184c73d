import { partsOf, type ObjectKey } from '../../lib/key.ts';
import type { Verdict } from '../route-node.ts';
import { type BoundPort, type DeclaredListener, isSupportedProtocol, socketKey } from './declared.ts';

/** Why a listener cannot be told from others, or cannot have its port. */
export type Clash = Verdict & { readonly reason: 'ProtocolConflict' | 'HostnameConflict' | 'PortUnavailable' };

type Ports = { readonly boundPort: BoundPort; readonly taken: Readonly<Record<string, ObjectKey>> | undefined };

/**
 * The listeners that are not distinct (Gateway API v1 `GatewaySpec.listeners`). Within one object none of those that clash wins; between
 * objects the earlier one does: the Gateway before its ListenerSets, older sets before younger. A port that an older Gateway holds, or that
 * shifting privileged ports makes the same as another, is unavailable.
 */
export const clashes = (
  objects: readonly (readonly DeclaredListener[])[],
  { boundPort, taken }: Ports,
): ReadonlyMap<DeclaredListener, Clash> => {
  const found = new Map<DeclaredListener, Clash>();
  const note = (listener: DeclaredListener, clash: Clash | undefined): boolean => {
    if (clash !== undefined) found.set(listener, clash);
    return clash === undefined;
  };
  const earlier: DeclaredListener[] = [];
  for (const declared of objects) {
    const supported = declared.filter(({ spec }) => isSupportedProtocol(spec.protocol));
    // What loses to an earlier object takes nothing from its neighbours: only those that are left can clash among themselves.
    const left = supported.filter((listener) => note(listener, firstClash(listener, earlier)));
    const distinct = left.filter((listener) => note(listener, firstClash(listener, left)));
    for (const listener of distinct) note(listener, unavailable(listener, [...earlier, ...distinct], { boundPort, taken }));
    earlier.push(...left);
  }
  return found;
};

const firstClash = (listener: DeclaredListener, others: readonly DeclaredListener[]): Clash | undefined => {
  for (const other of others) {
    if (other === listener || other.transport !== listener.transport || other.spec.port !== listener.spec.port) continue;
    const port = `port ${listener.spec.port}`;
    if (other.family !== listener.family || (other.host === listener.host && other.spec.protocol !== listener.spec.protocol)) {
      return {
        reason: 'ProtocolConflict',
        message: `${port} is also used with protocol ${other.spec.protocol} by listener ${shown(other, listener)}`,
      };
    }
    if (other.host === listener.host) {
      const host = listener.host === '*' ? 'every hostname' : `hostname ${listener.host}`;
      return { reason: 'HostnameConflict', message: `${port} and ${host} are also those of listener ${shown(other, listener)}` };
    }
  }
  return undefined;
};

const unavailable = (listener: DeclaredListener, others: readonly DeclaredListener[], { boundPort, taken }: Ports): Clash | undefined => {
  const bound = boundPort(listener.spec.port);
  const holder = taken?.[socketKey(listener.transport, bound)];
  if (holder !== undefined) {
    const { namespace, name } = partsOf(holder);
    return {
      reason: 'PortUnavailable',
      message: `port ${listener.spec.port} (${listener.transport}) on the same address is held by the older Gateway "${namespace}/${name}"`,
    };
  }
  const same = others.find(
    (other) =>
      other.transport === listener.transport &&
      other.spec.port !== listener.spec.port &&
      boundPort(other.spec.port) === bound &&
      // Within one object the privileged port gives way.
      (other.owner !== listener.owner || listener.spec.port !== bound),
  );
  const privileged = same && Math.min(same.spec.port, listener.spec.port);
  return (
    same && {
      reason: 'PortUnavailable',
      message: `port ${privileged} is privileged and served on port ${bound}, which is also that of listener ${shown(same, listener)}`,
    }
  );
};

const shown = (other: DeclaredListener, seenFrom: DeclaredListener): string =>
  other.ownerKey === seenFrom.ownerKey ? other.spec.name : `${other.spec.name} of ${other.ownerKey}`;
