/** The composition root: config → source → pipeline → servers. The only file that wires these. */
import { hostname } from 'node:os';
import { stat } from 'node:fs/promises';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { ListenError } from '../../xds/ads/wire.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { type Config, UsageError } from '../config.ts';
import { hostPortText } from '../lib/host-port.ts';
import { apiHandlersFor, healthHandlersFor } from '../ops/api.ts';
import { httpServer } from '../ops/http.ts';
import type { Logger } from '../ops/log.ts';
import { metricsOf } from '../ops/metrics.ts';
import { Overview } from '../ops/overview.ts';
import type { LocalKey } from '../lib/key.ts';
import { timed, type Update, updatesOf, type Watch } from '../pipeline.ts';
import { directorySource } from '../sources/directory/directory-source.ts';
import { stepsFor } from './steps.ts';

export type Server = {
  /** The ports that were bound. */
  readonly xdsPort: number;
  readonly httpPort: number;
  /** Sends Envoys elsewhere, ends what is open, and resolves when all is closed. */
  readonly stop: () => Promise<void>;
};

/** Serves what `config` says until it is stopped. Throws UsageError where the directory or an address cannot be had. */
export const serve = async (config: Config, log: Logger): Promise<Server> => {
  await mustBeDirectory(config.configDir);
  const ads = adsServer({
    address: hostPortText(config.xdsAddress),
    groupOf: (node) => node.cluster,
    controlPlaneId: `${hostname()}/${process.pid}`,
    limits: {
      keepaliveMs: config.xdsKeepalive,
      keepaliveTimeoutMs: config.xdsKeepaliveTimeout,
      connectionAgeMs: config.xdsConnectionAge,
      connectionGraceMs: config.xdsConnectionGrace,
    },
  });
  const overview = new Overview({ log, clients: ads.clients, now: () => new Date() });
  const metrics = metricsOf({ ads: () => ads.stats, known: () => overview.known, vitals: () => overview.vitals() });
  const http = httpServer(
    config.httpAddress,
    {
      ...healthHandlersFor({ vitals: () => overview.vitals(), metrics }),
      ...apiHandlersFor({ known: () => overview.known, statusOf: (key) => overview.statusOf(key), clients: ads.clients }),
    },
    (error) => log.error({ err: error }, 'a request could not be answered'),
  );
  const watch: Watch = {
    now: () => performance.now() / 1000,
    heard: ({ health }) => overview.heard(health),
    took: metrics.stage,
    failed: (error) => {
      metrics.buildFailed();
      overview.buildFailed(error);
    },
  };

  const xdsPort = await listening(ads.listen);
  const httpPort = await listening(http.listen).catch(async (error: unknown) => {
    await ads.drain(0);
    throw error;
  });
  log.info(
    `xDS on ${hostPortText({ ...config.xdsAddress, port: xdsPort })}, HTTP on ${hostPortText({ ...config.httpAddress, port: httpPort })}`,
  );

  const publish = publisher(ads);
  const subscription = ads.events$.subscribe((event) => {
    if (event.kind === 'nack') metrics.nack(event.typeUrl);
    if (event.kind === 'current') metrics.pushed(event.afterMs / 1000);
    overview.happened(event);
  });
  const source = directorySource({ paths: [config.configDir], name: config.configDir });
  subscription.add(
    updatesOf(source, stepsFor(config), watch).subscribe((update) => {
      timed('publish', watch, () => publish(update));
      overview.updated(update);
    }),
  );
  return {
    xdsPort,
    httpPort,
    stop: async () => {
      log.info('stopping');
      overview.stopping();
      await ads.drain();
      subscription.unsubscribe();
      await http.close();
    },
  };
};

/**
 * Hands each Gateway's snapshot to its Envoys. A Gateway that is gone, or is another controller's now, takes its configuration with it; one
 * that an edit made unacceptable keeps what it had, as its status says why.
 */
const publisher = (ads: AdsServer): ((update: Pick<Update, 'graph' | 'snapshots'>) => void) => {
  const nothing: Snapshot = new Map();
  let served: ReadonlySet<string> = new Set();
  return ({ graph, snapshots }) => {
    for (const [gateway, snapshot] of snapshots) ads.publish(gateway, snapshot);
    const kept = [...served].filter((gateway) => !snapshots.has(gateway) && graph.statuses.has(`Gateway/${gateway as LocalKey}`));
    for (const gateway of served) if (!snapshots.has(gateway) && !kept.includes(gateway)) ads.publish(gateway, nothing);
    served = new Set([...snapshots.keys(), ...kept]);
  };
};

const listening = async (listen: () => Promise<number>): Promise<number> => {
  try {
    return await listen();
  } catch (error) {
    throw error instanceof ListenError ? new UsageError(error.message, { cause: error }) : error;
  }
};

const mustBeDirectory = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageError(`--config-dir: ${path} does not exist`);
  if (!found.isDirectory()) throw new UsageError(`--config-dir: ${path} is not a directory`);
};
