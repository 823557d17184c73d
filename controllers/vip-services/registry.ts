/** Which clusters use a Tailscale Service: a registry in its annotations, which all tailplanes of a tailnet keep together (product.md, section 5). */
import { registryAnnotation } from '../../src/api/labels.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { fail, ok, type Result } from '../../src/lib/result.ts';
import type { Verdict } from '../../src/model/route-node.ts';

const keys = {
  registry: registryAnnotation,
  owner: 'gateway.tailscale.com/owner-operator',
  count: 'gateway.tailscale.com/consumer-count',
  updated: 'gateway.tailscale.com/last-updated',
  schema: 'gateway.tailscale.com/schema-version',
} as const;

const schemaVersion = 'v1';

/** One cluster that uses the service. Members we do not know go back as they came. */
export type Consumer = {
  readonly cluster: string;
  readonly operator: string;
  /** What it leads to there, as `HTTPRoute/namespace/name`. */
  readonly routes: readonly string[];
  /** RFC 3339, by that cluster's clock. */
  readonly lastSeen: string;
  /** What that cluster would have the service be: where all want the same, it becomes so. */
  readonly ports?: readonly string[];
  readonly tags?: readonly string[];
};

/** The last cluster has left, and `by` deletes the service unless somebody comes. No two are equal. */
export type Emptied = { readonly by: string; readonly at: string };

export type Registry = {
  readonly ownerOperator: string;
  /** By cluster. */
  readonly consumers: ReadonlyMap<string, Consumer>;
  /** As they were when it was written last: none by whoever made the service. */
  readonly vipAddresses: readonly string[];
  readonly emptied?: Emptied;
  /** Members we do not know. */
  readonly others: Readonly<Record<string, unknown>>;
};

type Annotations = Readonly<Record<string, string>>;

/** The registry, undefined where there is none; fails where it must be left alone: it is not understood, or is of a schema to come. */
export const registryIn = (annotations: Annotations): Result<Registry | undefined, Verdict> => {
  const version = annotations[keys.schema];
  const text = annotations[keys.registry];
  if (version !== undefined && version !== schemaVersion)
    return fail({
      reason: 'RegistryNewer',
      message: `its registry has schema version ${JSON.stringify(version.slice(0, 40))}, and this tailplane knows ${schemaVersion}: it is left as it is; update tailplane`,
    });
  if (text === undefined) return ok(undefined);
  const registry = parsed(text);
  return registry === undefined
    ? fail({
        reason: 'RegistryInvalid',
        message: `its annotation ${keys.registry} is not understood: it is left as it is; repair it, or delete the service`,
      })
    : ok(registry);
};

/** The annotations of a service with this registry; those of others stay. `now` in milliseconds since 1970. */
export const withRegistry = (
  annotations: Annotations,
  { ownerOperator, consumers, emptied, others }: Omit<Registry, 'vipAddresses'>,
  service: { readonly name: string; readonly addrs?: readonly string[] | undefined },
  now: number,
): Annotations => {
  const lastUpdated = timeText(now);
  const registry = {
    ...others,
    serviceName: service.name,
    ownerOperator,
    consumers: Object.fromEntries([...consumers].toSorted(([one], [other]) => byCodeUnit(one, other))),
    vipAddresses: service.addrs ?? [],
    lastUpdated,
    ...(emptied !== undefined && { emptied }),
  };
  return {
    ...annotations,
    [keys.registry]: JSON.stringify(registry),
    [keys.owner]: ownerOperator,
    [keys.count]: String(consumers.size),
    [keys.updated]: lastUpdated,
    [keys.schema]: schemaVersion,
  };
};

export const withoutRegistry = (annotations: Annotations): Annotations => {
  const ours: ReadonlySet<string> = new Set(Object.values(keys));
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !ours.has(key)));
};

/** RFC 3339, whole seconds. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const parsed = (text: string): Registry | undefined => {
  const value = objectIn(text);
  if (value === undefined) return undefined;
  const { serviceName: _, lastUpdated: __, vipAddresses, ownerOperator = '', consumers = {}, emptied, ...others } = value;
  if (typeof ownerOperator !== 'string' || !isObject(consumers)) return undefined;
  const entries = Object.entries(consumers);
  if (!entries.every((entry): entry is [string, Consumer] => isConsumer(entry[1]))) return undefined;
  if (emptied !== undefined && !isEmptied(emptied)) return undefined;
  return {
    ownerOperator,
    consumers: new Map(entries),
    vipAddresses: isTexts(vipAddresses) ? vipAddresses : [],
    others,
    ...(emptied !== undefined && { emptied }),
  };
};

const objectIn = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((text) => typeof text === 'string');

const isConsumer = (value: unknown): value is Consumer =>
  isObject(value) &&
  [value['cluster'], value['operator'], value['lastSeen']].every((text) => typeof text === 'string') &&
  isTexts(value['routes']) &&
  [value['ports'], value['tags']].every((texts) => texts === undefined || isTexts(texts));

const isEmptied = (value: unknown): value is Emptied =>
  isObject(value) && typeof value['by'] === 'string' && typeof value['at'] === 'string';
