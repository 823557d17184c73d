import { stat } from 'node:fs/promises';
import { EMPTY, of, shareReplay } from 'rxjs';
import { noObservations } from '../api/observations.ts';
import { groupByCertificate, groupByClaim } from '../../xds/ads/identity.ts';
import { tlsFromFiles } from '../../xds/ads/tls-files.ts';
import { type Config, UsageError } from '../config.ts';
import type { Logger } from '../ops/log.ts';
import type { TailscaleCall } from '../ops/metrics.ts';
import { directorySource } from '../sources/directory/directory-source.ts';
import { observing } from '../sources/observing.ts';
import type { Platform } from './platform.ts';
import { stepsFor } from './steps.ts';
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
  return {
    source: observing(files$, { tailnets: tailnets.tailnets$, proxies: of(noObservations.proxies), sharedServices: EMPTY }),
    steps: stepsFor({ ...config, onCluster: false }),
    groupOf: ca === undefined ? groupByClaim : groupByCertificate,
    ...(tlsFiles === undefined ? {} : { tls$: tlsFromFiles(tlsFiles, (error) => log.error(error.message)) }),
    status: { beside: tailnets.health },
    start: nothing,
    updated: nothing,
    resign: done,
    stop: tailnets.stop,
  };
};

const mustBeDirectory = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageError(`--config-dir: ${path} does not exist`);
  if (!found.isDirectory()) throw new UsageError(`--config-dir: ${path} is not a directory`);
};
