import { hostname } from 'node:os';
import { adminPort, probePort } from '../../controllers/gateway/layout.ts';
import { entranceHostOf } from '../../controllers/gateway/names.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import type { Resources } from '../../xds/resources.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { translator } from '../../xds/translate/translate.ts';
import type { Config } from '../config.ts';
import { present } from '../lib/present.ts';
import { graphBuilder } from '../model/build.ts';
import type { Steps } from '../pipeline.ts';

/** What a tailplane without a cluster calls itself unless it is told its name: a DNS label of 40 characters at most, another one on another machine. */
export const standaloneName = `standalone-${hostname()
  .toLowerCase()
  .replaceAll(/[^a-z0-9]+/g, '-')}`
  .slice(0, 40)
  .replace(/-+$/, '');

type Encoded = { readonly resources: Resources; readonly snapshot: Snapshot };

/** `onCluster`: each Gateway has Envoys of its own; otherwise all share this machine. */
export type Place = Pick<Config, 'privilegedPorts'> &
  Partial<Pick<Config, 'clusterName' | 'ingressProxyRanges'>> & { readonly onCluster: boolean };

/** The pure steps between a source and what is served, as they are to be at this place. */
export const stepsFor = ({ privilegedPorts, onCluster, clusterName = standaloneName, ingressProxyRanges }: Place): Steps => {
  let last: ReadonlyMap<string, Encoded> = new Map();
  const encodedFrom = (gateway: string, resources: Resources): Encoded => {
    const before = last.get(gateway);
    return before?.resources === resources ? before : { resources, snapshot: snapshotOf(resources, before?.snapshot) };
  };
  return {
    build: graphBuilder({
      privilegedPorts,
      onCluster,
      exclusivePorts: !onCluster,
      defaultAddresses: onCluster ? [] : ['127.0.0.1'],
      reservedPorts: onCluster ? [adminPort, probePort] : [],
      ...present({ clusterName, ingressProxyRanges }),
      ...(onCluster ? { entranceHost: entranceHostOf } : {}),
    }),
    translate: translator(),
    encode: (resources) => {
      last = new Map([...resources].map(([gateway, all]) => [gateway, encodedFrom(gateway, all)]));
      return new Map([...last].map(([gateway, { snapshot }]) => [gateway, snapshot]));
    },
  };
};
