/**
 * A Tailscale Service with two hosts, by files written by hand: what the lab and the bridge do, before anything of tailplane comes into it. Prints
 * a HostsReport as JSON.
 */
import { startScript } from '../../support/child.ts';
import { freePort } from '../../support/ports.ts';
import { startProxyMachine } from '../../support/proxy-machine.ts';
import { Bridge } from '../../support/tailnet-bridge.ts';
import { startTailnet } from '../../support/tailnet-lab.ts';
import { eventually } from '../../support/world.ts';
import { httpEcho } from '../traffic/backends.ts';
import { whoAnswers } from '../traffic/clients.ts';
import { curl } from './peer.ts';

export type HostsReport = {
  /** Who answered, by how it was asked for. */
  readonly answers: Readonly<Record<'name' | 'ipv4' | 'ipv6', string>>;
  /** After the first host was killed, and after the second one withdrew the service. */
  readonly killed: string;
  readonly withdrawn: string;
  /** Where the service was, in order. */
  readonly moves: readonly (string | null)[];
  /** What the API says of the two machines at the end. */
  readonly online: readonly boolean[];
};

const tailnet = await startTailnet('-magic-dns', 'simulated.ts.net');
const peer = '127.0.0.9:1055';
await tailnet.join('anna', `--outbound-http-proxy-listen=${peer}`);

const simulatorPort = await freePort();
const simulator = `http://127.0.0.1:${simulatorPort}`;
const api = startScript('src/main.ts', ['simulate', '--address', `127.0.0.1:${simulatorPort}`]);
const steer = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const answer = await fetch(`${simulator}/simulator${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
};
await eventually(
  () => fetch(`${simulator}/simulator`),
  ({ ok }) => ok,
);
await steer('DELETE', '/devices/demo');
const { addrs } = await steer<{ readonly addrs: readonly [string, string] }>('POST', '/services', {
  name: 'svc:web',
  ports: ['tcp:80'],
  tags: ['tag:k8s'],
});

const moves: (string | null)[] = [];
const bridge = new Bridge({
  admin: tailnet.admin,
  simulator,
  identities: { anna: { user: 'anna@example.com' } },
  moved: (_service, host) => moves.push(host ?? null),
});
const filesOf = (name: string, port: number, advertise: readonly string[]) => ({
  config: JSON.stringify({
    Version: 'alpha0',
    Locked: false,
    ServerURL: tailnet.control,
    AuthKey: 'tskey-any',
    Hostname: name,
    acceptDNS: false,
    acceptRoutes: false,
    AdvertiseServices: advertise,
  }),
  serve: JSON.stringify({ Services: { 'svc:web': { TCP: { 80: { TCPForward: `127.0.0.1:${port}` } } } } }),
});
const backends = { one: await httpEcho('one'), two: await httpEcho('two') };
const one = await startProxyMachine(filesOf('proxy-1', backends.one.port, ['svc:web']));
const get = async (host: string): Promise<string> => {
  const { status, body } = await curl(peer, `http://${host}/`);
  return whoAnswers({ status, body, headers: {} });
};
const until = (who: string): Promise<string> =>
  eventually(
    () => get('web.simulated.ts.net'),
    (answer) => answer === who,
    90_000,
  );
await until('one');
const two = await startProxyMachine(filesOf('proxy-2', backends.two.port, ['svc:web']));
type Devices = readonly {
  readonly hostname: string;
  readonly connectedToControl: boolean;
  readonly advertisedServices: readonly string[];
}[];
const proxies = async (): Promise<Devices> => {
  const { tailnets } = await steer<{ readonly tailnets: readonly [{ readonly devices: Devices }] }>('GET', '');
  return tailnets[0].devices.filter(({ hostname }) => hostname.startsWith('proxy-'));
};
await eventually(proxies, (all) => all.filter(({ advertisedServices }) => advertisedServices.length === 1).length === 2, 90_000);
const answers = { name: await get('web.simulated.ts.net'), ipv4: await get(addrs[0]), ipv6: await get(`[${addrs[1]}]`) };
await one.kill();
const killed = await until('two');
await two.write(filesOf('proxy-2', backends.two.port, []));
await eventually(
  async () => moves,
  (all) => all.length === 3,
  90_000,
);
const withdrawn = await get('web.simulated.ts.net');
const online = (await proxies()).toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1)).map(({ connectedToControl }) => connectedToControl);

const report: HostsReport = { answers, killed, withdrawn, moves, online };
process.stdout.write(JSON.stringify(report));
await bridge.stop();
await two.kill();
await api.stop();
await tailnet.stop();
for (const { stop } of Object.values(backends)) await stop();
