import { partsOf, type ObjectKey } from '../../lib/key.ts';
import type { Verdict } from '../route-node.ts';
import { boundPortOf, type DeclaredListener, isSupportedProtocol, socketKey } from './declared.ts';

/** Why a listener cannot be told from others, or cannot have its port. */
export type Clash = Verdict & { readonly reason: 'ProtocolConflict' | 'HostnameConflict' | 'PortUnavailable' };

type Ports = { readonly privilegedPorts: boolean; readonly taken: ReadonlyMap<string, ObjectKey> | undefined };

/**
 * The listeners that are not distinct (Gateway API v1 `GatewaySpec.listeners`). Within one object none of those that clash wins; between
 * objects the earlier one does: the Gateway before its ListenerSets, older sets before younger. A port that an older Gateway holds, or that
 * shifting privileged ports makes the same as another, is unavailable.
 */
export const clashes = (
  objects: readonly (readonly DeclaredListener[])[],
  { privilegedPorts, taken }: Ports,
): ReadonlyMap<DeclaredListener, Clash> => {
  const found = new Map<DeclaredListener, Clash>();
  const earlier: DeclaredListener[] = [];
  for (const declared of objects) {
    const supported = declared.filter(({ spec }) => isSupportedProtocol(spec.protocol));
    for (const listener of supported) {
      const clash =
        firstClash(listener, supported) ??
        firstClash(listener, earlier) ??
        unavailable(listener, [...earlier, ...supported], { privilegedPorts, taken });
      if (clash !== undefined) found.set(listener, clash);
    }
    earlier.push(...supported.filter((listener) => !found.has(listener)));
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

const unavailable = (
  listener: DeclaredListener,
  others: readonly DeclaredListener[],
  { privilegedPorts, taken }: Ports,
): Clash | undefined => {
  const bound = boundPortOf(listener.spec.port, privilegedPorts);
  const holder = taken?.get(socketKey(listener.transport, bound));
  if (holder !== undefined) {
    const { namespace, name } = partsOf(holder);
    return {
      reason: 'PortUnavailable',
      message: `port ${listener.spec.port} (${listener.transport}) on the same address is held by the older Gateway "${namespace}/${name}"`,
    };
  }
  if (bound === listener.spec.port) return undefined;
  const same = others.find((other) => other.transport === listener.transport && other.spec.port === bound);
  return (
    same && {
      reason: 'PortUnavailable',
      message: `privileged port ${listener.spec.port} is served on port ${bound}, which listener ${shown(same, listener)} uses`,
    }
  );
};

const shown = (other: DeclaredListener, seenFrom: DeclaredListener): string =>
  other.ownerKey === seenFrom.ownerKey ? other.spec.name : `${other.spec.name} of ${other.ownerKey}`;
