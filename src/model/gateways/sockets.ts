import { byCodeUnit } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import type { Listener, Socket } from '../graph.ts';
import type { Attached, Attachments } from './attach.ts';
import type { BoundPort } from './declared.ts';
import type { JudgedListener } from './judge.ts';
import { serverNamesOf, streamRuleOf } from './streams.ts';
import { virtualHostsMaker } from './virtual-hosts.ts';

type Options = { readonly addresses: readonly string[]; readonly boundPort: BoundPort };

/**
 * The sockets of the listeners that can be served, by port and transport. A listener that was accepted but cannot be served, for want of a
 * certificate say, still owns its host: no other listener answers in its place.
 */
export const socketsOf = (
  listeners: readonly JudgedListener[],
  { on }: Attachments,
  { addresses, boundPort }: Options,
): readonly Socket[] => {
  const groups = Map.groupBy(
    listeners.filter(({ accepted }) => accepted),
    ({ transport, spec }) => `${String(spec.port).padStart(5, '0')}/${transport}`,
  );
  return [...groups]
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .flatMap(([, group]) => {
      const [first, ...others] = group.filter(({ serves }) => serves);
      if (first === undefined) return [];
      const { port } = first.spec;
      const hosts = group.map(({ host }) => host);
      const nodes = [first, ...others].map((listener) => nodeOf(listener, hosts, on.get(listener) ?? []));
      const sorted = nodes.toSorted((one, other) => byCodeUnit(one.name, other.name));
      return [{ addresses, port, boundPort: boundPort(port), transport: first.transport, listeners: sorted }];
    });
};

/** Of a listener that stays as it is, the same one all the time. */
const hostsOf = memo((listener: JudgedListener) => virtualHostsMaker(listener.host));

/** `neighbours` are the hosts of all listeners on the port. */
const nodeOf = (listener: JudgedListener, neighbours: readonly string[], attached: readonly Attached[]): Listener => {
  const common = { name: listener.name, owner: listener.ownerKey, ...(listener.host === '*' ? {} : { hostname: listener.host }) };
  const tls = listener.tls === undefined ? {} : { tls: listener.tls };
  switch (listener.spec.protocol) {
    case 'HTTP':
    case 'HTTPS': {
      const { virtualHosts, misdirected } = hostsOf(listener)(neighbours, attached);
      const { protocol } = listener.spec;
      return { ...common, protocol, ...tls, virtualHosts, misdirected: protocol === 'HTTPS' ? misdirected : [] };
    }
    case 'TLS':
      return { ...common, protocol: 'TLS', ...tls, serverNames: serverNamesOf(listener, neighbours, attached) };
    case 'TCP':
    case 'UDP': {
      const rule = streamRuleOf(attached);
      return { ...common, protocol: listener.spec.protocol, ...(rule === undefined ? {} : { rule }) };
    }
    default:
      throw new Error(`unreachable: protocol ${listener.spec.protocol} is served`);
  }
};
