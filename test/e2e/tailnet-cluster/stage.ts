/** A cluster of the lab with tailplane installed, a tailnet whose machines it is to reach, and the simulator that is the tailnet's API. */
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { findEnvoy } from '../../../scripts/envoy.ts';
import type { ApiServer } from '../../../src/kubernetes/api-server.ts';
import { connect } from '../../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { labProgram } from '../../support/lab.ts';
import { type Lab, startLab } from '../../support/lab-cluster.ts';
import { eventually } from '../../support/world.ts';
import type { Ask } from './client.ts';
import type { Machine } from './machine.ts';
import { control, lab as labAdmin, simulator, vip, worldOf } from './world.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const here = import.meta.dirname;

export type Stage = {
  readonly lab: Lab;
  readonly api: ApiServer;
  /** Hosts the tailnet's service, too. */
  readonly machine: Machine;
  readonly spare: Machine;
  readonly get: <T = KubeObject>(path: string, query?: Readonly<Record<string, string | number>>) => Promise<T>;
  readonly list: (path: string) => Promise<readonly KubeObject[]>;
  /** Runs a program of this folder inside the lab's network, the Gateway's address as its first argument; what it printed, as JSON. */
  readonly run: <T>(program: string, ...args: readonly string[]) => Promise<T>;
  /** Who answers, by name of what is asked. */
  readonly ask: <Name extends string>(asks: Readonly<Record<Name, Ask>>) => Promise<Readonly<Record<Name, string>>>;
  /** The Gateway's. */
  readonly address: () => Promise<string>;
  /** Devices at the API whose host names begin like that: their stable ids. */
  readonly devices: (prefix: string) => Promise<readonly string[]>;
  /** Names of the objects of a kind in namespace `shop` that begin like that. */
  readonly names: (plural: string, prefix: string) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
};

/** Everything there, and everything that users write told; nothing of it needs to work yet. Whoever starts it stops it. */
export const startStage = async (): Promise<Stage> => {
  const programs = dirname(labProgram('containerboot', 'tailnet') ?? '');
  const envoy = (await findEnvoy({ fetch: true, say: () => undefined })) ?? '';
  const images = [join(root, 'test/conformance/lab-images.yaml'), join(here, 'images.yaml')];
  const lab = await startLab({
    name: 'tnet',
    port: 16645,
    images,
    environment: { TAILPLANE_ROOT: root, ENVOY_BIN: envoy, TS_BIN: programs },
  });
  const running: ChildProcessByStdio<Writable, Readable, null>[] = [];
  const start = (...program: readonly string[]): ChildProcessByStdio<Writable, Readable, null> => {
    const child = lab.spawn(program);
    child.stdin.on('error', () => undefined);
    running.push(child);
    return child;
  };
  const stop = async (): Promise<void> => {
    for (const child of running) child.stdin.end();
    for (const child of running.toReversed()) {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    }
    await lab.down();
  };
  try {
    const { machine, spare } = await startTailnet(lab, programs, start);
    await lab.run(['apply', join(root, 'crds')]);
    await lab.run(['apply', '-'], impatient(await readFile(join(root, 'examples/install.yaml'), 'utf8')));
    await lab.run(['apply', '-'], worldOf(machine, spare));
    return { lab, machine, spare, stop, ...lookersInto(lab) };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** One that asks tailnets three times in two seconds. */
const impatient = (install: string): string =>
  install
    .replace('- name: TAILPLANE_NAMESPACE', '- { name: TAILPLANE_TAILNET_INTERVAL, value: 500ms }\n            $&')
    .replace('replicas: 2', 'replicas: 1');

const startTailnet = async (
  lab: Lab,
  programs: string,
  start: (...program: readonly string[]) => ChildProcessByStdio<Writable, Readable, null>,
): Promise<{ readonly machine: Machine; readonly spare: Machine }> => {
  const curl = (...args: readonly string[]): Promise<string> => lab.exec(['curl', '-sSf', '-m', '10', ...args]);
  const addresses = ['-control', '10.245.0.1:9080', '-admin', '10.245.0.1:9083', '-derp', '10.245.0.1:9081', '-stun', '10.245.0.1:9082'];
  start(join(programs, 'tailnet-lab'), ...addresses);
  start(process.execPath, join(root, 'src/main.ts'), 'simulate', '--address', '10.245.0.1:9090');
  await eventually(
    () => curl(`${labAdmin}/nodes`, `${simulator}/simulator`),
    () => true,
    60_000,
  );
  // Its address is that of the first machine to join.
  await curl('-XDELETE', `${simulator}/simulator/devices/demo`);
  start(process.execPath, join(here, 'mirror.ts'), labAdmin, simulator);
  const machines = ['machine', 'spare'].map(async (name): Promise<Machine> => {
    const { stdout } = start(process.execPath, join(here, 'machine.ts'), name, programs, control, lab.env['LAB_STATE'] ?? '');
    const [line] = (await once(createInterface(stdout), 'line', { signal: AbortSignal.timeout(90_000) })) as [string];
    return JSON.parse(line) as Machine;
  });
  const [machine, spare] = await Promise.all(machines);
  if (machine === undefined || spare === undefined) throw new Error('unreachable: two machines joined');
  await curl('-XPOST', `${labAdmin}/vip?node=machine&service=${vip.service}&ip=${vip.address}`);
  await curl('-XPOST', `${labAdmin}/dns?name=${vip.service.slice(4)}.${machine.fqdn.replace(/^[^.]*\./, '')}&ip=${vip.address}`);
  await curl('-d', JSON.stringify({ name: vip.service, addrs: [vip.address], ports: ['tcp:80'] }), `${simulator}/simulator/services`);
  const serve = { Services: { [vip.service]: { TCP: { 80: { TCPForward: `127.0.0.1:${machine.ports.http}` } } } } };
  const tailscale = [join(programs, 'tailscale'), `--socket=${machine.socket}`];
  await lab.exec(['sh', '-c', `echo '${JSON.stringify(serve)}' | ${tailscale.join(' ')} serve set-raw`]);
  await lab.exec([...tailscale, 'serve', 'advertise', vip.service]);
  return { machine, spare };
};

const lookersInto = (lab: Lab): Omit<Stage, 'lab' | 'machine' | 'spare' | 'stop'> => {
  const api = connect({ kubeconfig: lab.kubeconfig });
  const get: Stage['get'] = async <T = KubeObject>(path: string, query = {}): Promise<T> => (await api.request({ path, query })) as T;
  const list: Stage['list'] = async (path) => (await get<{ readonly items: readonly KubeObject[] }>(path)).items;
  const address = async (): Promise<string> => {
    const { status } = await get<{ readonly status?: { readonly addresses?: readonly { readonly value: string }[] } }>(
      '/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/shop',
    );
    const [first] = status?.addresses ?? [];
    if (first === undefined) throw new Error('the Gateway has no address yet');
    return first.value;
  };
  const run: Stage['run'] = async <T>(program: string, ...args: readonly string[]): Promise<T> =>
    JSON.parse(await lab.exec([process.execPath, join(here, program), await address(), ...args])) as T;
  return {
    api,
    get,
    list,
    address,
    run,
    ask: (asks) => run('client.ts', JSON.stringify(asks)),
    devices: async (prefix) => {
      const { tailnets } = JSON.parse(await lab.exec(['curl', '-sSf', '-m', '10', `${simulator}/simulator`])) as {
        readonly tailnets: readonly [{ readonly devices: readonly { readonly hostname: string; readonly nodeId: string }[] }];
      };
      return tailnets[0].devices.filter(({ hostname }) => hostname.startsWith(prefix)).map(({ nodeId }) => nodeId);
    },
    names: async (plural, prefix) => {
      const group = plural.includes('/') ? `/apis/${plural.replace(/\/[^/]*$/, '')}` : '/api/v1';
      const objects = await list(`${group}/namespaces/shop/${plural.replace(/^.*\//, '')}`);
      return objects.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(prefix));
    },
  };
};
