import { byCodeUnit } from '../../lib/key.ts';
import type { Listener, Socket } from '../graph.ts';
import type { Attachments } from './attach.ts';
import { boundPortOf } from './declared.ts';
import type { JudgedListener } from './judge.ts';
import { serverNamesOf, streamRuleOf } from './streams.ts';
import { type virtualHostKeeper, virtualHostsOf } from './virtual-hosts.ts';

type Options = {
  readonly addresses: readonly string[];
  readonly privilegedPorts: boolean;
  readonly keep: ReturnType<typeof virtualHostKeeper>;
};

/** The sockets of the listeners that can be served, by port and transport. */
export const socketsOf = (
  listeners: readonly JudgedListener[],
  { on }: Attachments,
  { addresses, privilegedPorts, keep }: Options,
): readonly Socket[] => {
  const groups = Map.groupBy(
    listeners.filter(({ serves }) => serves),
    ({ transport, spec }) => `${String(spec.port).padStart(5, '0')}/${transport}`,
  );
  return [...groups]
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .flatMap(([, group]) => {
      const [first] = group;
      if (first === undefined) return [];
      const { port } = first.spec;
      const nodes = group.map((listener) => nodeOf(listener, group, on, keep)).toSorted((one, other) => byCodeUnit(one.name, other.name));
      return [{ addresses, port, boundPort: boundPortOf(port, privilegedPorts), transport: first.transport, listeners: nodes }];
    });
};

const nodeOf = (listener: JudgedListener, group: readonly JudgedListener[], on: Attachments['on'], keep: Options['keep']): Listener => {
  const attached = on.get(listener) ?? [];
  const common = { name: listener.name, owner: listener.ownerKey, ...(listener.host === '*' ? {} : { hostname: listener.host }) };
  const tls = listener.tls === undefined ? {} : { tls: listener.tls };
  const neighbours = group.map(({ host }) => host);
  switch (listener.spec.protocol) {
    case 'HTTP':
    case 'HTTPS': {
      const { virtualHosts, misdirected } = virtualHostsOf(listener.host, neighbours, attached);
      const kept = virtualHosts.map((host) => keep(listener.name, host));
      return {
        ...common,
        protocol: listener.spec.protocol,
        ...tls,
        virtualHosts: kept,
        misdirected: listener.spec.protocol === 'HTTPS' ? misdirected : [],
      };
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
