import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { translator } from '../../xds/translate/translate.ts';
import type { Config } from '../config.ts';
import { graphBuilder } from '../model/build.ts';
import type { Steps } from '../pipeline.ts';

/** The pure steps between a source and what is served, as this configuration wants them. Standalone: all Gateways share this machine. */
export const stepsFor = ({ privilegedPorts }: Pick<Config, 'privilegedPorts'>): Steps => {
  let last: ReadonlyMap<string, Snapshot> = new Map();
  return {
    build: graphBuilder({ privilegedPorts, exclusivePorts: true, defaultAddresses: ['127.0.0.1'] }),
    translate: translator(),
    encode: (resources) => (last = new Map([...resources].map(([name, all]) => [name, snapshotOf(all, last.get(name))]))),
  };
};
