/**
 * `npm start`: serves examples/quickstart to a real Envoy, with sample backends behind it, and says what to try. Ctrl-C stops it all.
 * `--smoke` asks what it would have said to try, and ends with 0 if all answers are right. `--config-dir` serves another directory.
 */
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { relative } from 'node:path';
import { hostname } from 'node:os';
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
import { simulator } from '../src/simulator/simulator.ts';
import { curlFor, failureOf, tries } from './quickstart.ts';
import { startSampleBackend } from './sample-backend.ts';

const quickstart = fileURLToPath(new URL('../examples/quickstart', import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

type Backend = HostPort & { readonly name: string };
type Local = Config & { readonly configDir: string };

type Running = {
  readonly server: Server;
  readonly xdsPort: number;
  readonly envoy: RunningEnvoy | undefined;
  /** Where the simulated tailnet's API answers. */
  readonly tailnetUrl: string;
  readonly stop: () => Promise<void>;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { smoke: { type: 'boolean' }, 'config-dir': { type: 'string' } } });
  const configDir = values['config-dir'] ?? relative('', quickstart);
  const config = { ...configFrom({ configDir }, process.env), configDir };
  const known = await readPaths([configDir]);
  const [gateway] = known.graph.gateways.values();
  const port = gateway?.sockets[0]?.boundPort;
  if (gateway === undefined || port === undefined) throw new UsageError(`${configDir} has no Gateway with a listener`);
  const backends = sampleBackendsOf(known);
  const running = await startAll(config, gateway, backends);
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
    const tailnet = simulator({ address: '127.0.0.1:0' });
    const { url: tailnetUrl } = await tailnet.listen();
    stops.push(tailnet.close);
    const binary = await findEnvoy({ fetch: true, say });
    const admin = adminAddress();
    const addresses = gateway.sockets.flatMap(({ addresses: [host = '0.0.0.0'], boundPort, transport }) =>
      transport === 'TCP' ? [{ host, port: boundPort }] : [],
    );
    if (binary !== undefined) for (const address of [...addresses, admin]) await mustBeFree(address);
    const server = await serve(config, loggerFor(config.logLevel, process.stdout.isTTY));
    stops.push(server.stop);
    const xdsPort = await server.xdsPort;
    if (binary === undefined) return { server, xdsPort, envoy: undefined, tailnetUrl, stop };
    const xds = { host: config.xdsAddress.host, port: xdsPort };
    const bootstrap = JSON.stringify(bootstrapFor({ gateway, nodeId: hostname(), xds, apiType: 'DELTA_GRPC', admin }));
    const envoy = await startEnvoyProcess({ binary, bootstrap });
    stops.push(envoy.stop);
    void tellEnd(envoy);
    await envoy.live();
    return { server, xdsPort, envoy, tailnetUrl, stop };
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

const whatToTry = (config: Local, { server, xdsPort, envoy, tailnetUrl }: Running, backends: readonly Backend[], port: number): string => {
  const rows = [
    ['config', `${config.configDir}, watched`],
    ['backends', backends.map(({ name, ...address }) => `${name} ${hostPortText(address)}`).join(', ')],
    ['tailplane', `http://${hostPortText({ ...config.httpAddress, port: server.httpPort })} (status, metrics), xDS on port ${xdsPort}`],
    ['tailnet', `${tailnetUrl}, simulated; OAuth client simulated, secret simulated`],
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
    '',
    `Edit a file in ${config.configDir}, for instance the weights in routes.yaml, and ask again. Break one: it is told here, and traffic goes on.`,
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
};

const smoke = async ({ envoy, tailnetUrl }: Running, port: number): Promise<number> => {
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
  const devices = await simulatedDevices(tailnetUrl);
  say(`${devices.length > 0 ? 'ok    ' : 'FAILED'} simulated tailnet: devices ${devices.join(', ')}`);
  return failures === 0 && devices.length > 0 ? 0 : 1;
};

/** Host names of the simulated tailnet's devices, asked for as Tailscale's API is. */
const simulatedDevices = async (url: string): Promise<readonly string[]> => {
  const client = new URLSearchParams({ client_id: 'simulated', client_secret: 'simulated', grant_type: 'client_credentials' });
  const token = (await (await fetch(`${url}/api/v2/oauth/token`, { method: 'POST', body: client })).json()) as {
    readonly access_token?: string;
  };
  const answer = await fetch(`${url}/api/v2/tailnet/-/devices`, { headers: { authorization: `Bearer ${token.access_token ?? ''}` } });
  const { devices = [] } = (await answer.json()) as { readonly devices?: readonly { readonly hostname: string }[] };
  return devices.map((device) => device.hostname);
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
