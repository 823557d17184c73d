import { Command, Option } from 'commander';
import { UsageError } from '../config.ts';
import { hostPortFrom } from '../lib/host-port.ts';
import { type Io, VerbError } from './io.ts';
import { stopSignal } from './stop-signal.ts';

const defaultAddress = '127.0.0.1:8090';

/** `simulate`: a tailnet that exists here only, behind the API of a real one; and below it, what steers one that runs. */
export const simulateCommand = (io: Io): Command =>
  new Command('simulate')
    .description('run a simulated tailnet: an HTTP server that speaks the API of Tailscale')
    .option('--address <host:port>', 'where it listens', defaultAddress)
    .option('--state <file>', 'keep its state here, and continue from it; in memory without it')
    .addHelpText(
      'after',
      '\nExamples:\n  tailplane simulate --state tailnet.json\n  tailplane simulate add-device web --ip 127.0.0.1 --tag tag:web\n' +
        '  tailplane simulate change-device web --offline\n  tailplane simulate add-service svc:web --port tcp:80\n',
    )
    .action(async (flags: { readonly address: string; readonly state?: string }) => {
      const simulator = await startedSimulator(flags, (error) => io.err(`tailplane: --state: ${error.message}\n`));
      io.out(`tailnet simulated at ${simulator.url}; OAuth client simulated, secret simulated\n`);
      await stopSignal();
      await simulator.close();
    })
    .addCommand(addDevice(io))
    .addCommand(changeDevice(io))
    .addCommand(removeDevice(io))
    .addCommand(addService(io))
    .addCommand(removeService(io));

export type StartedSimulator = { readonly url: string; readonly close: () => Promise<void> };

/**
 * A simulator that answers. Throws UsageError where the address cannot be had or the file holds something else; `failed` hears of writes to the
 * file that did not succeed.
 */
export const startedSimulator = async (
  { address, state }: { readonly address: string; readonly state?: string },
  failed: (error: Error) => void,
): Promise<StartedSimulator> => {
  if (hostPortFrom(address) === undefined) throw new UsageError(`--address: ${JSON.stringify(address)} is not HOST:PORT`);
  // Loaded only when it is wanted.
  const { simulator } = await import('../simulator/simulator.ts');
  const { stateFile, worldIn } = await import('../simulator/state-file.ts');
  const world = state === undefined ? undefined : await worldIn(state).catch(usage('--state'));
  const file = state === undefined ? undefined : stateFile(state, failed);
  const running = simulator({
    address,
    ...(world === undefined ? {} : { state: world }),
    ...(file === undefined ? {} : { changed: file.keep }),
  });
  const { url } = await running.listen().catch(usage('--address'));
  return {
    url,
    close: async () => {
      await running.close();
      await file?.done();
    },
  };
};

const usage =
  (flag: string) =>
  (error: Error): never => {
    throw new UsageError(`${flag}: ${error.message}`, { cause: error });
  };

/** Flags of every verb that steers a running simulator. */
const steering = (command: Command): Command =>
  command
    .addOption(new Option('--simulator <url>', 'the simulator').env('TAILPLANE_SIMULATOR').default(`http://${defaultAddress}`))
    .option('--tailnet <name>', 'one of several tailnets; the first without it');

type Steering = { readonly simulator: string; readonly tailnet?: string };
type DeviceFlags = Steering & {
  readonly ip?: readonly string[];
  readonly tag?: readonly string[];
  readonly online?: boolean;
  readonly offline?: boolean;
};

const deviceFields = ({ ip, tag, online, offline }: DeviceFlags): Readonly<Record<string, unknown>> => ({
  ...(ip === undefined ? {} : { addresses: ip }),
  ...(tag === undefined ? {} : { tags: tag }),
  ...(online === true || offline === true ? { online: offline !== true } : {}),
});

const deviceOptions = (command: Command): Command =>
  steering(command)
    .option('--ip <address...>', 'its addresses; one of this machine makes it stand for a program here')
    .option('--tag <tag...>', 'its tags')
    .option('--offline', 'not connected');

const addDevice = (io: Io): Command =>
  deviceOptions(new Command('add-device'))
    .description('a machine joins')
    .argument('<hostname>')
    .action((hostname: string, flags: DeviceFlags) => steer(io, flags, 'POST', 'devices', { hostname, ...deviceFields(flags) }));

const changeDevice = (io: Io): Command =>
  deviceOptions(new Command('change-device'))
    .description('a machine goes offline or online, moves, or changes its tags')
    .argument('<device>', 'id, host name or MagicDNS name')
    .option('--online', 'connected')
    .action((device: string, flags: DeviceFlags) =>
      steer(io, flags, 'PATCH', `devices/${encodeURIComponent(device)}`, deviceFields(flags)),
    );

const removeDevice = (io: Io): Command =>
  steering(new Command('remove-device'))
    .description('a machine leaves')
    .argument('<device>', 'id, host name or MagicDNS name')
    .action((device: string, flags: Steering) => steer(io, flags, 'DELETE', `devices/${encodeURIComponent(device)}`));

const addService = (io: Io): Command =>
  steering(new Command('add-service'))
    .description('a Tailscale Service is defined, or defined anew')
    .argument('<name>', 'svc: and a DNS label')
    .option('--port <port...>', 'such as tcp:443')
    .option('--tag <tag...>', 'its tags')
    .action((name: string, flags: Steering & { readonly port?: readonly string[]; readonly tag?: readonly string[] }) =>
      steer(io, flags, 'POST', 'services', {
        name,
        ...(flags.port === undefined ? {} : { ports: flags.port }),
        ...(flags.tag === undefined ? {} : { tags: flags.tag }),
      }),
    );

const removeService = (io: Io): Command =>
  steering(new Command('remove-service'))
    .description('a Tailscale Service is no more')
    .argument('<name>', 'svc: and a DNS label')
    .action((name: string, flags: Steering) => steer(io, flags, 'DELETE', `services/${encodeURIComponent(name)}`));

/** Has the simulator do something, and prints what came of it. */
const steer = async (io: Io, { simulator, tailnet }: Steering, method: string, path: string, body?: unknown): Promise<void> => {
  const base = URL.parse(simulator);
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new UsageError(`--simulator: ${JSON.stringify(simulator)} is not an http:// URL`);
  const url = new URL(`/simulator/${path.replaceAll('%3A', ':')}`, base);
  if (tailnet !== undefined) url.searchParams.set('tailnet', tailnet);
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch((error: Error) => {
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    throw new VerbError(`no simulator answers at ${base.origin} (${code ?? error.name}): start one with "tailplane simulate"`, {
      cause: error,
    });
  });
  const text = await response.text();
  if (!response.ok) throw new VerbError(messageIn(text) ?? `${base.origin} answered ${response.status}: is it a simulator?`);
  if (text.trim() !== '{}') io.out(text);
};

const messageIn = (text: string): string | undefined => {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
};
