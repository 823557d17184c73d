import { stat } from 'node:fs/promises';
import { map, of, ReplaySubject, shareReplay } from 'rxjs';
import { noObservations } from '../api/observations.ts';
import { groupByCertificate, groupByClaim } from '../../xds/ads/identity.ts';
import { tlsFromFiles } from '../../xds/ads/tls-files.ts';
import { vipServicesController } from '../../controllers/vip-services/controller.ts';
import { type Config, UsageError } from '../config.ts';
import type { Logger } from '../ops/log.ts';
import type { TailscaleCall } from '../ops/metrics.ts';
import type { Update } from '../pipeline.ts';
import { directorySource } from '../sources/directory/directory-source.ts';
import { hours } from '../sources/hours.ts';
import { observing } from '../sources/observing.ts';
import type { Platform } from './platform.ts';
import { standaloneName, stepsFor } from './steps.ts';
import { tailnetsFor } from './tailnets.ts';

const nothing = (): void => undefined;
const done = async (): Promise<void> => undefined;

/** Files of a directory, all on one machine. Throws UsageError where there is no such directory. */
export const directoryPlatform = async (
  config: Config,
  directory: string,
  log: Logger,
  called: (call: TailscaleCall) => void,
): Promise<Platform> => {
  await mustBeDirectory(directory);
  const { xdsTlsCert: cert, xdsTlsKey: key, xdsClientCa: ca } = config;
  const tlsFiles = cert === undefined || key === undefined ? undefined : { cert, key, ...(ca === undefined ? {} : { ca }) };
  const files$ = directorySource({ paths: [directory], name: directory }).pipe(shareReplay({ bufferSize: 1, refCount: true }));
  const tailnets = tailnetsFor({ source: files$, config, log, called });
  const update$ = new ReplaySubject<Update>(1);
  const proxies$ = of(noObservations.proxies);
  const sharedServices$ = vipServicesController({
    clusterName: config.clusterName ?? standaloneName,
    wishes$: update$.pipe(map(({ graph }) => graph.vipServices)),
    tailnets$: tailnets.tailnets$,
    proxies$,
    clientOf: tailnets.clientOf,
    // Whoever runs the proxies here takes their services away before the files that ask for them.
    mayRelease: () => true,
    leading$: of(new AbortController().signal),
    log,
  });
  return {
    source: observing(files$, { tailnets: tailnets.tailnets$, proxies: proxies$, sharedServices: sharedServices$, hour: hours(Date.now) }),
    steps: stepsFor({ ...config, onCluster: false }),
    groupOf: ca === undefined ? groupByClaim : groupByCertificate,
    ...(tlsFiles === undefined ? {} : { tls$: tlsFromFiles(tlsFiles, (error) => log.error(error.message)) }),
    status: { beside: tailnets.health },
    start: nothing,
    updated: (update) => update$.next(update),
    resign: done,
    stop: tailnets.stop,
  };
};

const mustBeDirectory = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageError(`--config-dir: ${path} does not exist`);
  if (!found.isDirectory()) throw new UsageError(`--config-dir: ${path} is not a directory`);
};
