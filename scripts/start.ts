/**
 * `npm start`: serves examples/quickstart to a real Envoy, with sample backends behind it, and says what to try. Ctrl-C stops it all.
 * `--smoke` asks what it would have said to try, and ends with 0 if all answers are right. `--config-dir` serves another directory.
 */
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hostname, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bootstrapFor } from '../bootstrap/bootstrap.ts';
import { type Server, serve } from '../src/cli/server.ts';
import { readPaths } from '../src/cli/offline.ts';
import { type Config, configFrom, UsageError } from '../src/config.ts';
import { type HostPort, hostPortFrom, hostPortText } from '../src/lib/host-port.ts';
import type { Gateway } from '../src/model/graph.ts';
import { loggerFor } from '../src/ops/log.ts';
import type { Known } from '../src/ops/known.ts';
import { type RunningEnvoy, startEnvoyProcess } from './envoy-process.ts';
import { EnvoyError, findEnvoy, howToGetEnvoy } from './envoy.ts';
import { initialWorld } from '../src/simulator/initial.ts';
import { join as joined } from '../src/simulator/state-devices.ts';
import { stateFile } from '../src/simulator/state-file.ts';
import { withTailnet } from '../src/simulator/state.ts';
import { curlFor, failureOf, tries } from './quickstart.ts';
import { startSampleBackend } from './sample-backend.ts';

const quickstart = fileURLToPath(new URL('../examples/quickstart', import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Nobody is in the way of asking a simulated tailnet more often than a real one. */
const simulatedInterval = '1s';

type Backend = HostPort & { readonly name: string };
type Local = Config & { readonly configDir: string };

type Running = {
  readonly server: Server;
  readonly xdsPort: number;
  readonly envoy: RunningEnvoy | undefined;
  readonly stop: () => Promise<void>;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { smoke: { type: 'boolean' }, 'config-dir': { type: 'string' } } });
  const configDir = values['config-dir'] ?? relative('', quickstart);
  const config = { ...configFrom({ configDir }, { TAILPLANE_TAILNET_INTERVAL: simulatedInterval, ...process.env }), configDir };
  const known = await readPaths([configDir]);
  const notes = notesPortOf(known);
  const [gateway] = known.graph.gateways.values();
  const port = gateway?.sockets[0]?.boundPort;
  if (gateway === undefined || port === undefined) throw new UsageError(`${configDir} has no Gateway with a listener`);
  const backends = [...sampleBackendsOf(known), ...(notes === undefined ? [] : [{ name: 'notes', host: '127.0.0.1', port: notes }])];
  const running = await startAll(notes === undefined ? config : await withMachine(config), gateway, backends);
  try {
    if (values.smoke === true) return await smoke(running, port);
    const stopped = new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    say(whatToTry(config, running, backends, port));
    await stopped;
    return 0;
  } finally {
    await running.stop();
  }
};

/** One for every loopback address that an EndpointSlice names, called after its Service. */
const sampleBackendsOf = ({ state }: Known): readonly Backend[] =>
  [...state.objects.EndpointSlice.values()].flatMap(({ metadata, endpoints, ports }) =>
    endpoints.flatMap(({ addresses: [host = ''] }) =>
      host !== '127.0.0.1' && host !== '::1'
        ? []
        : (ports ?? []).flatMap(({ port, protocol }) =>
            port === undefined || protocol !== 'TCP'
              ? []
              : [{ name: metadata.labels?.['kubernetes.io/service-name'] ?? metadata.name, host, port }],
          ),
    ),
  );

/** Where the quickstart's machine listens, if it is still among the files. */
const notesPortOf = ({ state }: Known): number | undefined =>
  state.objects.TailscaleEndpoints.get('default/notes')?.spec.autoDiscovery?.port;

/** With a simulated tailnet that has one machine more, which stands for a program here; unless the user keeps one of his own. */
const withMachine = async (config: Local): Promise<Local> => {
  if (config.simulatorState !== undefined) return config;
  const simulatorState = join(await mkdtemp(join(tmpdir(), 'tailplane-start-')), 'tailnet.json');
  const world = initialWorld('simulated', Date.now());
  const [tailnet] = world.tailnets;
  const file = stateFile(simulatorState, (error) => say(`the simulated tailnet cannot be kept: ${error.message}`));
  if (tailnet !== undefined) {
    const machine = { hostname: 'notes', addresses: ['127.0.0.1'], tags: ['tag:notes'] };
    file.keep(withTailnet(world, joined(tailnet, machine, Date.now()).tailnet));
  }
  await file.done();
  return { ...config, simulatorState };
};

/** Backends, then tailplane, then Envoy; stopped the other way round, also when a later one does not start. */
const startAll = async (config: Config, gateway: Gateway, backends: readonly Backend[]): Promise<Running> => {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    for (const { name, host, port } of backends) {
      const backend = await startSampleBackend(name, { host, port }).catch((error: unknown) => inUse({ host, port }, error));
      stops.push(async () => close(backend));
    }
    const binary = await findEnvoy({ fetch: true, say });
    const admin = adminAddress();
    const addresses = gateway.sockets.flatMap(({ addresses: [host = '0.0.0.0'], boundPort, transport }) =>
      transport === 'TCP' ? [{ host, port: boundPort }] : [],
    );
    if (binary !== undefined) for (const address of [...addresses, admin, config.simulatorAddress]) await mustBeFree(address);
    const server = await serve(config, loggerFor(config.logLevel, process.stdout.isTTY));
    stops.push(server.stop);
    const xdsPort = await server.xdsPort;
    if (binary === undefined) return { server, xdsPort, envoy: undefined, stop };
    const xds = { host: config.xdsAddress.host, port: xdsPort };
    const bootstrap = JSON.stringify(bootstrapFor({ gateway, nodeId: hostname(), xds, apiType: 'DELTA_GRPC', admin }));
    const envoy = await startEnvoyProcess({ binary, bootstrap });
    stops.push(envoy.stop);
    void tellEnd(envoy);
    await envoy.live();
    return { server, xdsPort, envoy, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** ENVOY_ADMIN_ADDRESS lets two of these run at once. */
const adminAddress = (): HostPort => {
  const text = process.env['ENVOY_ADMIN_ADDRESS'] ?? '127.0.0.1:19000';
  const address = hostPortFrom(text);
  if (address === undefined) throw new UsageError(`ENVOY_ADMIN_ADDRESS: ${JSON.stringify(text)} is not HOST:PORT`);
  return address;
};

/** An Envoy that is stopped ends with 0. */
const tellEnd = async (envoy: RunningEnvoy): Promise<void> => {
  const code = await envoy.exited;
  if (code !== 0 && code !== 'SIGINT') say(`Envoy ended with ${code}:\n${envoy.log()}`);
};

const whatToTry = (config: Local, { server, xdsPort, envoy }: Running, backends: readonly Backend[], port: number): string => {
  const rows = [
    ['config', `${config.configDir}, watched`],
    ['backends', backends.map(({ name, ...address }) => `${name} ${hostPortText(address)}`).join(', ')],
    ['tailplane', `http://${hostPortText({ ...config.httpAddress, port: server.httpPort })} (status, metrics), xDS on port ${xdsPort}`],
    ['tailnet', `http://${hostPortText(config.simulatorAddress)}, simulated; OAuth client simulated, secret simulated`],
    ...(envoy === undefined ? [] : [['Envoy', `http://127.0.0.1:${port}, admin ${envoy.adminUrl}`]]),
  ];
  return [
    '',
    ...rows.map(([what = '', where = '']) => `  ${what.padEnd(10)} ${where}`),
    '',
    ...(envoy === undefined ? [howToGetEnvoy, 'Then start again, and try:'] : ['Try:']),
    ...tries.map((one) => `  ${curlFor(one, port)}`),
    `  npm run -s tailplane -- explain http://shop.localhost:${port}/`,
    '  npm run -s tailplane -- status',
    '  npm run -s tailplane -- simulate change-device notes --offline',
    '',
    `Edit a file in ${config.configDir}, for instance the weights in routes.yaml, and ask again. Break one: it is told here, and traffic goes on.`,
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
};

const smoke = async ({ envoy }: Running, port: number): Promise<number> => {
  if (envoy === undefined) {
    say(howToGetEnvoy);
    return 1;
  }
  let failures = 0;
  for (const one of tries) {
    const failure = await failureOf(one, port);
    say(`${failure === undefined ? 'ok    ' : 'FAILED'} ${failure ?? curlFor(one, port)}`);
    if (failure !== undefined) failures += 1;
  }
  return failures === 0 ? 0 : 1;
};

const mustBeFree = async (address: HostPort): Promise<void> => {
  const probe = createServer().listen(address.port, address.host);
  await once(probe, 'listening').catch((error: unknown) => inUse(address, error));
  probe.close();
  await once(probe, 'close');
};

const inUse = (address: HostPort, cause: unknown): never => {
  throw new UsageError(`cannot listen on ${hostPortText(address)}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
};

const close = async (server: HttpServer): Promise<void> => {
  server.close();
  server.closeAllConnections();
};

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof EnvoyError)) throw error;
  process.stderr.write(`tailplane: ${error.message}\n`);
  process.exitCode = 2;
}
