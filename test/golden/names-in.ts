import { missingCluster } from '../../xds/names.ts';
import type { Resources } from '../../xds/resources.ts';

/** Clusters that listeners and routes send traffic to. */
export const clustersNamedIn = ({ Listener, RouteConfiguration }: Resources): ReadonlySet<string> => {
  const found = new Set<string>();
  walk([...Listener.values(), ...RouteConfiguration.values()].map(({ message }) => message), (node) => {
    const { cluster, clusterName, clusters } = node;
    for (const name of [cluster, clusterName]) if (typeof name === 'string') found.add(name);
    if (Array.isArray(clusters)) for (const { name } of clusters as { readonly name: string }[]) found.add(name);
  });
  found.delete(missingCluster);
  return found;
};

/** Secrets that listeners and clusters ask SDS for. */
export const secretsNamedIn = ({ Listener, Cluster }: Resources): ReadonlySet<string> => {
  const found = new Set<string>();
  walk([...Listener.values(), ...Cluster.values()].map(({ message }) => message), ({ name, sdsConfig }) => {
    if (sdsConfig !== undefined && typeof name === 'string') found.add(name);
  });
  return found;
};

const walk = (value: unknown, visit: (node: Readonly<Record<string, unknown>>) => void): void => {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Readonly<Record<string, unknown>>);
  for (const field of Object.values(value)) walk(field, visit);
};
