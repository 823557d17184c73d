import { stat } from 'node:fs/promises';
import { groupByCertificate, groupByClaim } from '../../xds/ads/identity.ts';
import { tlsFromFiles } from '../../xds/ads/tls-files.ts';
import { type Config, UsageError } from '../config.ts';
import type { Logger } from '../ops/log.ts';
import { directorySource } from '../sources/directory/directory-source.ts';
import type { Platform } from './platform.ts';
import { stepsFor } from './steps.ts';

const nothing = (): void => undefined;
const done = async (): Promise<void> => undefined;

/** Files of a directory, all on one machine. Throws UsageError where there is no such directory. */
export const directoryPlatform = async (config: Config, directory: string, log: Logger): Promise<Platform> => {
  await mustBeDirectory(directory);
  const { xdsTlsCert: cert, xdsTlsKey: key, xdsClientCa: ca } = config;
  const files = cert === undefined || key === undefined ? undefined : { cert, key, ...(ca === undefined ? {} : { ca }) };
  return {
    source: directorySource({ paths: [directory], name: directory }),
    steps: stepsFor({ privilegedPorts: config.privilegedPorts, onCluster: false }),
    groupOf: ca === undefined ? groupByClaim : groupByCertificate,
    ...(files === undefined ? {} : { tls$: tlsFromFiles(files, (error) => log.error(error.message)) }),
    status: {},
    start: nothing,
    updated: nothing,
    resign: done,
    stop: done,
  };
};

const mustBeDirectory = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageError(`--config-dir: ${path} does not exist`);
  if (!found.isDirectory()) throw new UsageError(`--config-dir: ${path} is not a directory`);
};
