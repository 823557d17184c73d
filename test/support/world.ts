/** A directory of YAML, a tailplane that serves it and a real Envoy that follows: what end-to-end tests stand on. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { bootstrapFor } from '../../bootstrap/bootstrap.ts';
import { type Server, serve } from '../../src/cli/server.ts';
import { configFrom } from '../../src/config.ts';
import type { StatusReport } from '../../src/ops/status-report.ts';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';

export type ApiType = 'GRPC' | 'DELTA_GRPC';

export type World = {
  readonly dir: string;
  readonly server: Server;
  readonly envoy: RunningEnvoy;
  readonly write: (file: string, yaml: string) => Promise<void>;
  readonly remove: (file: string) => Promise<void>;
  readonly status: () => Promise<StatusReport>;
  readonly stop: () => Promise<void>;
};

/** Serves `files` and waits until an Envoy of Gateway `default/edge` is live. Whoever starts it stops it. */
export const startWorld = async (files: Readonly<Record<string, string>>, apiType: ApiType = 'DELTA_GRPC'): Promise<World> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-world-'));
  const write = (file: string, yaml: string): Promise<void> => replaceFile(join(dir, file), yaml);
  for (const [file, yaml] of Object.entries(files)) await write(file, yaml);
  const config = configFrom({ configDir: dir, xdsAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }, {});
  const server = await serve(config, pino({ level: 'silent' }));
  const envoy = await startEnvoy({ bootstrap: edgeBootstrap(await server.xdsPort, apiType) });
  await envoy.live();
  return {
    dir,
    server,
    envoy,
    write,
    remove: (file) => rm(join(dir, file)),
    status: async () => (await (await fetch(`http://127.0.0.1:${server.httpPort}/api/v1/status`)).json()) as StatusReport,
    stop: async () => {
      await envoy.stop();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
};

/** Writes a file as editors do: whole, by renaming it into place. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
};

/** Bootstrap of an Envoy of Gateway `default/edge`. */
export const edgeBootstrap = (xdsPort: number, apiType: ApiType): string =>
  JSON.stringify(
    bootstrapFor({
      gateway: { namespace: 'default', name: 'edge' },
      nodeId: 'edge-0',
      xds: { host: '127.0.0.1', port: xdsPort },
      apiType,
      admin: { host: '127.0.0.1', port: 0 },
    }),
  );

/** What `probe` gives once it gives what `holds` accepts; what it throws counts as not yet. The last answer is in the error when time is up. */
export const eventually = async <T>(probe: () => Promise<T>, holds: (value: T) => boolean, timeoutMs = 15_000): Promise<T> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const last = await probe().then(
      (value) => ({ value, text: JSON.stringify(value) }),
      (error: unknown) => ({ value: undefined, text: String(error) }),
    );
    if (last.value !== undefined && holds(last.value)) return last.value;
    if (Date.now() > deadline) throw new Error(`never came to hold; last: ${last.text}`);
    await sleep(10);
  }
};

/** GatewayClass and Gateway `default/edge` on loopback with the listeners given as flow YAML. */
export const edge = (...listeners: readonly string[]): string => edgeAt('127.0.0.1', ...listeners);

/** The same at another address. */
export const edgeAt = (address: string, ...listeners: readonly string[]): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: gateway.tailscale.com/tailplane }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: tailplane
  addresses: [{ type: IPAddress, value: ${address} }]
  listeners: [${listeners.map((listener) => `{ ${listener} }`).join(', ')}]
`;

/** A Service in `default` on port 80 with endpoints at loopback ports; `port` is further fields of its port. */
export const service = (name: string, ports: readonly number[], port = ''): string => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: { ports: [{ port: 80, ${port} }] }
${ports
  .map(
    (one) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${one}, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: ${one}, ${port.includes('UDP') ? 'protocol: UDP' : ''} }]
endpoints: [{ addresses: [127.0.0.1] }]
`,
  )
  .join('')}`;

/** A route of `kind` attached to `edge`; `spec` is YAML, in flow style, of further fields. */
export const route = (kind: string, name: string, spec: string, section?: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: default }
spec: { parentRefs: [{ name: edge${section === undefined ? '' : `, sectionName: ${section}`} }], ${spec} }
`;
