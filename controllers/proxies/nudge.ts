import { fingerprint } from '../../src/lib/fingerprint.ts';
import type { Cluster } from './cluster.ts';
import { type Group, ledIn, servedIn } from './group.ts';
import { configFile } from './objects/layout.ts';
import { ordinalOf } from './objects/secrets.ts';
import { isGoing } from './work.ts';

/** On pods of ingress proxies: of the files that they are to have. */
export const filesAnnotation = 'gateway.tailscale.com/files';

/**
 * Has kubelets look at the files of pods now, instead of once a minute: they do when something about a pod changes. By what was observed, so
 * that the files are there before anybody looks.
 */
export const nudge = async (group: Group, cluster: Cluster): Promise<void> => {
  const served = JSON.stringify([...(servedIn(group) ?? [])].map(([name, ports]) => [name, [...ports]]));
  const led = JSON.stringify([...(ledIn(group) ?? [])]);
  for (const pod of group.pods) {
    const config = group.configs.get(ordinalOf(pod, group.name) ?? Number.NaN);
    if (config === undefined || isGoing(pod)) continue;
    const { [configFile]: file = '' } = (config['data'] ?? {}) as Readonly<Record<string, string>>;
    const files = fingerprint(`${served} ${led} ${file}`);
    if (pod.metadata.annotations?.[filesAnnotation] !== files) await cluster.annotatePod(pod, { [filesAnnotation]: files });
  }
};
