import { hostPortText } from '../../lib/host-port.ts';
import { type ProxyCarrier, readyProxies } from '../../model/tailnets/carriers.ts';
import type { Step } from './explanation.ts';
import type { Source } from './machines.ts';
import type { World } from './world.ts';

/** The sets of proxies that lead to the machines, each once: which of them are ready, and what to do where none is. */
export const proxySteps = (sources: readonly Source[], world: World): readonly Step[] => {
  const carriers = new Map(
    sources.flatMap(({ path: { carrier } }) => (carrier.mode === 'direct' ? [] : [[carrier.set, carrier] as const])),
  );
  return [...carriers.values()].map((carrier) => ({ at: 'proxies', name: carrier.set, detail: proxiesText(carrier, world) }));
};

const proxiesText = ({ mode, set, replicas }: ProxyCarrier, { graph, read }: World): string => {
  const ready = readyProxies(set, read);
  const observed = read('proxies', set);
  const failure = observed?.failure === undefined ? '' : `: ${observed.failure.reason}: ${observed.failure.message}`;
  if (ready.length > 0) {
    const addresses = ready.map((proxy) => (mode === 'connect' ? hostPortText(proxy) : proxy.host));
    const [used] = addresses;
    const isOneOf = mode === 'connect' && replicas === 1 && addresses.length > 1;
    return `${ready.length} ready: ${addresses.join(', ')}${isOneOf ? `; only ${used ?? ''} is used, as spec says one replica` : ''}${failure}`;
  }
  if (failure !== '') return `none is ready${failure}`;
  const isOurs = graph.proxySets.has(set);
  if (!isOurs)
    return `none is ready: no EndpointSlice of Service ${set} has a ready endpoint; write the address of a proxy that runs there`;
  const [namespace = '', name = ''] = set.split('/');
  const describe = `kubectl -n ${namespace} describe statefulset ${name}`;
  return observed === undefined
    ? 'none is ready: the StatefulSet is not there yet; see the status of its owner, and the log of the tailplane that leads'
    : `none is ready: ${observed.ready} of ${observed.desired} replicas are; see ${describe}, and the logs of its pods`;
};
