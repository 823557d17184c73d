import { hostPortText } from '../../lib/host-port.ts';
import type { Endpoint, Locality } from '../../model/graph.ts';
import type { Step } from './explanation.ts';
import { machineText, nowhereText, selectionText } from './machine-text.ts';
import { type Source, sourcesOf } from './machines.ts';
import { proxySteps } from './proxies.ts';
import { healthStep, reachStep, type TailnetBackend } from './reach.ts';
import { askServer, tailnetsOf, tailnetSteps as stepsOfTailnets } from './tailnet.ts';
import type { World } from './world.ts';

/** How a backend in tailnets is reached, by what, and who its machines are; last, why none of them gets traffic where none does. */
export const tailnetSteps = (backend: TailnetBackend, world: World): readonly Step[] => {
  const { sources, leftOut } = sourcesOf(backend, world.read);
  const localities = world.graph.endpoints.get(backend.id);
  return [
    ...(sources.length === 0 ? [] : [reachStep(backend, sources)]),
    healthStep(backend, sources, world.read),
    ...stepsOfTailnets(sources, world),
    ...proxySteps(sources, world),
    ...leftOut.map((message): Step => ({ at: 'machine', name: '', detail: `left out: ${message}` })),
    ...machineSteps(sources, localities ?? [], world),
    ...nothingSteps(sources, localities, world),
  ];
};

/** What Envoys have of each endpoint, by its name here. */
const placesIn = (localities: readonly Locality[]): Map<string, Step> =>
  new Map(
    localities.flatMap(({ priority = 0, endpoints }) =>
      endpoints.map((endpoint) => {
        const { healthy, weight = 1 } = endpoint;
        const detail = `${healthy ? 'healthy' : 'unhealthy'}, priority ${priority}, weight ${weight}`;
        return [placeName(endpoint), { at: 'endpoint', name: placeName(endpoint), detail }] as const;
      }),
    ),
  );

const placeName = ({ address, port, via }: Pick<Endpoint, 'address' | 'port' | 'via'>): string => {
  const name = hostPortText({ host: address, port });
  if (via === undefined) return name;
  return via.kind === 'dns' ? `${name} by name` : `${name} via ${hostPortText(via.proxy)}`;
};

/** Machines with their endpoints below them; an endpoint that several lead to is below the first. */
const machineSteps = (sources: readonly Source[], localities: readonly Locality[], world: World): readonly Step[] => {
  const rest = placesIn(localities);
  const steps = sources.flatMap((source) =>
    source.machines.flatMap((found): readonly Step[] => {
      const places = found.places.flatMap((place) => {
        const step = rest.get(placeName(place));
        rest.delete(placeName(place));
        return step ?? [];
      });
      const shown = source.lastResort && !found.healthy && places.length > 0 ? ', used when nothing else is left' : '';
      const nowhere = places.length > 0 ? '' : `; ${nowhereText(found, source, world)}`;
      return [{ at: 'machine', name: found.name, detail: `${machineText(found, source, world)}${shown}${nowhere}` }, ...places];
    }),
  );
  return [...steps, ...rest.values()];
};

/** Why nothing gets traffic, and what to do; nothing where something does. */
const nothingSteps = (sources: readonly Source[], localities: readonly Locality[] | undefined, world: World): readonly Step[] => {
  const endpoints = (localities ?? []).flatMap((locality) => locality.endpoints);
  if (endpoints.some(({ healthy }) => healthy)) return [];
  const detail =
    endpoints.length > 0
      ? `none of ${endpoints.length} endpoints may be sent traffic: bring one of the machines above back`
      : `no endpoints: ${whyNothing(sources, localities, world)}`;
  return [{ at: 'endpoint', name: '', detail }];
};

const whyNothing = (sources: readonly Source[], localities: readonly Locality[] | undefined, world: World): string => {
  const tailnets = tailnetsOf(sources);
  if (localities === undefined) {
    if (!world.asked) return `which machines there are is known to tailnets alone, and they are not asked here: ${askServer}`;
    const named = tailnets.map((name) => `TailscaleTailnet "${name}"`).join(', ');
    return `tailnets have not been heard of yet, so that Envoys keep the endpoints they have, if any; see the status of ${named}`;
  }
  const machines = sources.flatMap((source) => source.machines);
  if (tailnets.length === 0) return 'nothing that it consists of is anywhere';
  if (machines.length === 0) {
    const asked = [...new Set(sources.flatMap(({ selections }) => selections.map(selectionText)))];
    const wanted = asked.length === 0 ? 'what is asked for' : asked.join('; or ');
    return `no machine has ${wanted}: compare the tags and names of the machines of tailnet ${tailnets.map((name) => `"${name}"`).join(', ')}`;
  }
  return machines.length === 1 ? 'see the machine above' : `see the ${machines.length} machines above`;
};
