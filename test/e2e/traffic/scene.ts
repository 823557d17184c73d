/** The scene of most tests here: a fleet with one HTTP listener, and HTTP backends behind Services of the same names. */
import { type Fleet, type FleetOptions, startFleet } from '../../support/fleet.ts';
import { type Answer, ask } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import { type Answering, type Backend, type HttpBackend, httpEcho } from './backends.ts';

export type Scene = {
  readonly fleet: Fleet;
  /** Of the HTTP listener. */
  readonly port: number;
  readonly backend: (name: string) => HttpBackend;
  /** One request to the HTTP listener. */
  readonly ask: (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;
  /** Adds the scene's Gateway and Services to `yaml`, and makes that the configuration. */
  readonly apply: (yaml: string) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** `names` are the backends, each with what it answers. */
export const startScene = async (names: Readonly<Record<string, Answering | undefined>>, options: FleetOptions = {}): Promise<Scene> => {
  const backends = new Map<string, HttpBackend>();
  for (const [name, answering] of Object.entries(names)) backends.set(name, await httpEcho(name, answering));
  const [fleet, port] = [await startFleet(options), await freePort()];
  const fixed =
    edge(`name: http, protocol: HTTP, port: ${port}`) + [...backends.values()].map((one) => service(one.name, [one.port])).join('');
  return {
    fleet,
    port,
    backend: (name) => {
      const found = backends.get(name);
      if (found === undefined) throw new Error(`no backend ${name}`);
      return found;
    },
    ask: async (path, headers = {}, method = 'GET') => ask(port, path, { host: 'a.example', ...headers }, { method }),
    apply: async (yaml) => void (await fleet.apply(fixed + yaml)),
    stop: async () => {
      await fleet.stop();
      await stopAll([...backends.values()]);
    },
  };
};

export const stopAll = async (backends: readonly Backend[]): Promise<void> => {
  for (const backend of backends) await backend.stop();
};

/** An HTTPRoute for all names, of rules in flow style. */
export const httpRoute = (name: string, ...rules: readonly string[]): string => route('HTTPRoute', name, `rules: [${rules.join(', ')}]`);

/** A rule for a path prefix: `more` is further fields of it in flow style, `to` its backendRefs. */
export const ruleFor = (path: string, more: string, to = '{ name: one, port: 80 }'): string =>
  `{ matches: [{ path: { value: "${path}" } }], ${more === '' ? '' : `${more}, `}backendRefs: [${to}] }`;

/** One filter of a rule. */
export const withFilter = (type: string, field: string, spec: string): string => `filters: [{ type: ${type}, ${field}: { ${spec} } }]`;
