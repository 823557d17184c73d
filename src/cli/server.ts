/** The composition root: config → source → pipeline → servers. The only file that wires these. */
import { filter, Subject, type Subscription } from 'rxjs';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { ListenError } from '../../xds/ads/wire.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { type Config, UsageError } from '../config.ts';
import { hostPortText } from '../lib/host-port.ts';
import { apiHandlersFor, healthHandlersFor } from '../ops/api.ts';
import { httpServer } from '../ops/http.ts';
import type { Logger } from '../ops/log.ts';
import { metricsOf, type TailscaleCall } from '../ops/metrics.ts';
import { Overview } from '../ops/overview.ts';
import type { LocalKey } from '../lib/key.ts';
import { type Demand, timed, type Update, updatesOf, type Watch } from '../pipeline.ts';
import type { Platform } from './platform.ts';

export type Server = {
  /** The port that was bound; pending until there is a certificate to serve by. */
  readonly xdsPort: Promise<number>;
  readonly httpPort: number;
  /** Sends Envoys elsewhere, ends what is open, and resolves when all is closed. */
  readonly stop: () => Promise<void>;
};

/** Serves what `config` says until it is stopped. Throws UsageError where the directory, the cluster or an address cannot be had. */
export const serve = async (config: Config, log: Logger): Promise<Server> => {
  const calls = new Subject<TailscaleCall>();
  const platform = await platformOf(config, log, (call) => calls.next(call));
  const ads = adsServer({
    address: hostPortText(config.xdsAddress),
    groupOf: platform.groupOf,
    controlPlaneId: `${config.podName}/${process.pid}`,
    limits: {
      keepaliveMs: config.xdsKeepalive,
      keepaliveTimeoutMs: config.xdsKeepaliveTimeout,
      connectionAgeMs: config.xdsConnectionAge,
      connectionGraceMs: config.xdsConnectionGrace,
    },
  });
  const overview = new Overview({ log, clients: ads.clients, now: () => new Date(), ...platform.status });
  const metrics = metricsOf({
    ads: () => ads.stats,
    known: () => overview.known,
    vitals: () => overview.vitals(),
    ...(platform.figures === undefined ? {} : { cluster: platform.figures }),
  });
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

  const httpPort = await listening(http.listen);
  log.info(`HTTP on ${hostPortText({ ...config.httpAddress, port: httpPort })}`);
  const subscription = calls.subscribe(metrics.tailscaleCall);
  const xdsPort = secured(platform, ads, subscription).then(async () => {
    const port = await listening(ads.listen);
    log.info(`xDS on ${hostPortText({ ...config.xdsAddress, port })}`);
    return port;
  });
  if (platform.tls$ === undefined)
    await xdsPort.catch(async (error: unknown) => {
      await http.close();
      throw error;
    });
  else xdsPort.catch((error: unknown) => log.fatal({ err: error }, 'xDS cannot be served'));

  const publish = publisher(ads);
  subscription.add(
    ads.events$.subscribe((event) => {
      if (event.kind === 'nack') metrics.nack(event.typeUrl);
      if (event.kind === 'current') metrics.pushed(event.afterMs / 1000);
      overview.happened(event);
    }),
  );
  platform.start({ ads, overview });
  subscription.add(
    updatesOf(platform.source, platform.steps, watch, demandOn(ads)).subscribe((update) => {
      timed('publish', watch, () => publish(update));
      platform.updated(update);
      overview.updated(update);
    }),
  );
  return {
    xdsPort,
    httpPort,
    stop: async () => {
      log.info('stopping');
      overview.stopping();
      await platform.resign();
      await ads.drain();
      subscription.unsubscribe();
      await platform.stop();
      await http.close();
    },
  };
};

const demandOn = ({ stats, events$ }: AdsServer): Demand => ({
  isIdle: () => stats.streams.sotw + stats.streams.delta === 0,
  roused$: events$.pipe(filter(({ kind }) => kind === 'connected')),
});

/** Either of the two is loaded only when it is wanted: a cluster's client takes its time. */
const platformOf = async (config: Config, log: Logger, called: (call: TailscaleCall) => void): Promise<Platform> =>
  config.configDir === undefined
    ? (await import('./cluster/platform.ts')).clusterPlatform(config, log, called)
    : (await import('./directory-platform.ts')).directoryPlatform(config, config.configDir, log, called);

/** Resolves when xDS may be served, and keeps its certificates new. */
const secured = async ({ tls$ }: Platform, ads: AdsServer, subscription: Subscription): Promise<void> => {
  if (tls$ === undefined) return;
  await new Promise<void>((resolve, reject) => {
    subscription.add(
      tls$.subscribe({
        next: (tls) => {
          ads.secure(tls);
          resolve();
        },
        error: reject,
      }),
    );
  });
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
