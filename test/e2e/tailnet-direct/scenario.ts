/**
 * A machine of a real tailnet that is an Envoy's own, in a network namespace of its own: a tailscaled with a TUN device, tailplane from YAML and an
 * Envoy, which dials other machines by their addresses. Prints who answers, by name of what is asked for, as JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authority, certificateFor } from '../../support/certificates.ts';
import { startScript } from '../../support/child.ts';
import { startEnvoy } from '../../support/envoy.ts';
import { ask } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { startTailnet } from '../../support/tailnet-lab.ts';
import { edge, edgeBootstrap, eventually, replaceFile, route } from '../../support/world.ts';
import { httpEcho, tcpEcho, tlsEcho, udpEcho } from '../traffic/backends.ts';
import { tcpExchange, tlsExchange, udpExchange, whoAnswers } from '../traffic/clients.ts';
import { callGrpc, grpcBackend } from '../traffic/grpc.ts';

export type Report = Readonly<Record<string, string>>;

const tailnet = await startTailnet();
const [, machine] = await Promise.all([tailnet.join('gateway', '--tun=tailscale0'), tailnet.join('machine')]);

const ca = authority();
const backends = {
  http: await httpEcho('machine'),
  grpc: await grpcBackend('machine', { '/a.B/C': () => Buffer.from('machine') }),
  tls: await tlsEcho('machine', certificateFor(['tls-endpoints.example', 'tls-services.example'], ca)),
  tcp: await tcpEcho('machine'),
  udp: await udpEcho('machine'),
};
type Protocol = keyof typeof backends;

const targets = { endpoints: 'TailscaleEndpoints', services: 'TailscaleServices' } as const;
type Target = keyof typeof targets;
const [xds = 0, api = 0, simulatorPort = 0, web = 0, tls = 0, ...bytes] = await freePorts(7);
const listening = { endpoints: bytes[0] ?? 0, services: bytes[1] ?? 0 } as const;

const simulatorURL = `http://127.0.0.1:${simulatorPort}`;
const simulator = startScript('src/main.ts', ['simulate', '--address', `127.0.0.1:${simulatorPort}`]);
const steer = async (method: string, path: string, body?: unknown): Promise<void> => {
  const answer = await fetch(`${simulatorURL}/simulator${path}`, { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
};
await eventually(
  () => fetch(`${simulatorURL}/simulator`),
  ({ ok }) => ok,
);
await steer('DELETE', '/devices/demo');
const { id, fqdn, ipv4, ipv6 } = machine;
await steer('POST', '/devices', { hostname: 'machine', nodeId: id, name: fqdn, addresses: [ipv4, ipv6] });

const known: Readonly<Record<string, string>> = { http: `tailscaleFQDN: ${fqdn}`, grpc: `tailscaleIP: "${ipv6}"` };
const written = Object.entries(backends).map(([protocol, { port }]) => {
  const target = known[protocol] ?? `tailscaleIP: ${ipv4}`;
  return `{ name: ${protocol}, ${target}, port: ${port}, protocol: ${protocol.toUpperCase()} }`;
});
const routeKinds = { http: 'HTTPRoute', grpc: 'GRPCRoute', tls: 'TLSRoute', tcp: 'TCPRoute', udp: 'UDPRoute' } as const;
const routeTo = (target: Target, protocol: Protocol): string => {
  const isNamed = protocol !== 'tcp' && protocol !== 'udp';
  const section = isNamed ? (protocol === 'tls' ? 'tls' : 'http') : `${protocol}-${target}`;
  const ref = `{ group: gateway.tailscale.com, kind: ${targets[target]}, name: machine, port: ${backends[protocol].port} }`;
  const hostnames = isNamed ? `hostnames: [${protocol}-${target}.example], ` : '';
  return route(routeKinds[protocol], `${protocol}-${target}`, `${hostnames}rules: [{ backendRefs: [${ref}] }]`, section);
};
const world = [
  edge(
    `name: http, protocol: HTTP, port: ${web}`,
    `name: tls, protocol: TLS, port: ${tls}, tls: { mode: Passthrough }`,
    ...Object.entries(listening).flatMap(([target, port]) => [
      `name: tcp-${target}, protocol: TCP, port: ${port}`,
      `name: udp-${target}, protocol: UDP, port: ${port}`,
    ]),
  ),
  `
---
apiVersion: v1
kind: Secret
metadata: { name: tailnet-lab, namespace: tailplane-system }
stringData: { client_id: simulated, client_secret: simulated }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: lab }
spec: { oauthSecretName: tailnet-lab, apiURL: "${simulatorURL}" }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: machine, namespace: default, labels: { app: machine } }
spec: { tailnet: lab, proxy: { mode: direct }, endpoints: [${written.join(', ')}] }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: machine, namespace: default }
spec: { selector: { matchLabels: { app: machine } } }
`,
  ...(Object.keys(targets) as Target[]).flatMap((target) =>
    (Object.keys(backends) as Protocol[]).map((protocol) => routeTo(target, protocol)),
  ),
].join('');

const dir = await mkdtemp(join(tmpdir(), 'tailplane-direct-'));
await replaceFile(join(dir, 'world.yaml'), world);
const addresses = ['--xds-address', `127.0.0.1:${xds}`, '--http-address', `127.0.0.1:${api}`];
const tailplane = startScript('src/main.ts', ['serve', '--config-dir', dir, ...addresses]);
await tailplane.says('serving Gateways default/edge');
const envoy = await startEnvoy({ bootstrap: edgeBootstrap(xds, 'DELTA_GRPC') });
await envoy.live();

const exchanges: Readonly<Record<Protocol, (target: Target) => Promise<string>>> = {
  http: async (target) => whoAnswers(await ask(web, '/', { host: `http-${target}.example` })),
  grpc: async (target) => {
    const { code, answer } = await callGrpc(web, `grpc-${target}.example`, '/a.B/C');
    return code === 'OK' ? answer : code;
  },
  tls: (target) => tlsExchange(tls, { ca: ca.certificate, servername: `tls-${target}.example` }),
  tcp: (target) => tcpExchange(listening[target]),
  udp: (target) => udpExchange(listening[target]),
};
/** Packets may be lost, and nobody says so. */
const silence = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve('no answer'), 3000).unref());
const report: Record<string, string> = {};
for (const target of Object.keys(targets) as Target[]) {
  for (const [protocol, exchange] of Object.entries(exchanges)) {
    report[`${protocol}-${target}`] = await eventually(
      () => Promise.race([exchange(target), silence()]),
      (answer) => answer.startsWith('machine'),
    ).catch(String);
  }
}
process.stdout.write(JSON.stringify(report));
await envoy.stop();
await Promise.all([tailplane.stop(), simulator.stop()]);
await tailnet.stop();
for (const { stop } of Object.values(backends)) await stop();
await rm(dir, { recursive: true });
process.exit(0);
