/**
 * In which order the kernels of ingress proxies come to lead services, and cease to. In: the service has addresses, then the proxies are told where
 * they lead, then each that says it leads there advertises it. Out: nobody advertises it, then connections have time to end, then it is led no longer.
 */
import { byCodeUnit } from '../../src/lib/key.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { Clock, handsOver, hasLeft, type Hosting, type HostingProxy, type Since } from './hosting.ts';
import { isEmptyMapping, mappingProblem, type Mappings, sameMapping } from './objects/ingress-config.ts';

export type KernelFacts = {
  readonly set: Pick<ProxySet, 'services' | 'replicas'>;
  /** What the proxies are told, as it stands. */
  readonly led: Mappings;
  readonly proxies: readonly KernelProxy[];
};

export type KernelProxy = HostingProxy & {
  /** What the pod that runs says that its kernel leads where; nothing before it says so. */
  readonly leading: Mappings;
};

export type KernelHosting = Omit<Hosting, 'serve'> & { readonly lead: Mappings };

/** What to do now. `since` is what the last look gave. */
export const kernelHostingFrom = ({ set, led, proxies }: KernelFacts, since: Since, now: number): KernelHosting => {
  const clock = new Clock(since, now);
  const asked = [...set.services].flatMap(([name, { mapping, wanted }]) => (mapping === undefined ? [] : [{ name, mapping, wanted }]));
  const problems = asked.flatMap(({ name, mapping }) => {
    const problem = mappingProblem(name, mapping);
    return problem === undefined ? [] : [{ name, text: `${name} ${problem}` }];
  });
  const wanted = new Map(
    asked
      .filter((one) => one.wanted && !problems.some(({ name }) => name === one.name))
      // While nobody says what its addresses are, it leads where it did.
      .map(({ name, mapping }) => [name, isEmptyMapping(mapping) ? (led.get(name) ?? mapping) : mapping] as const),
  );
  const names = [...new Set([...led.keys(), ...wanted.keys()])].toSorted(byCodeUnit);
  const lead = new Map(
    names.flatMap((name) => {
      const mapping = wanted.get(name) ?? (hasLeft(name, proxies, clock) ? undefined : led.get(name));
      return mapping === undefined || isEmptyMapping(mapping) ? [] : [[name, mapping] as const];
    }),
  );
  const replicas = proxies.filter(({ ordinal }) => ordinal < set.replicas);
  const offered = [...wanted.keys()].toSorted(byCodeUnit);
  const advertise = new Map(
    replicas.map((proxy) => [proxy.ordinal, offered.filter((name) => mayAdvertise(name, proxy, lead, led))] as const),
  );
  return {
    lead,
    advertise,
    handsOver: handsOver(offered, { set, proxies }, clock),
    since: clock.since,
    until: clock.until,
    problems: problems.map(({ text }) => text),
  };
};

/**
 * A proxy begins when it leads exactly where it is told to, and goes on while it leads somewhere: another address is there sooner than a tailnet
 * would turn to another proxy. One that was started anew leads nowhere.
 */
const mayAdvertise = (name: string, { configured, joined, leading, pod }: KernelProxy, lead: Mappings, led: Mappings): boolean => {
  const told = lead.get(name);
  const leads = leading.get(name);
  if (pod !== 'running' || told === undefined || leads === undefined) return false;
  return configured.includes(name) || (joined && sameMapping(led.get(name), told) && sameMapping(leads, told));
};
