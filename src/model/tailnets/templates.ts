import type { OwnerReference } from '../../api/core.ts';
import type { LabelSelector, TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import { tailscaleGroup } from '../../api/kinds.ts';
import { equal } from '../../lib/equal.ts';
import { byCodeUnit, localKeyOf } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { byAge } from '../gateways/precedence.ts';
import { selects } from '../gateways/selector.ts';
import type { Provisioned } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import { selectionsBuilder } from './selections.ts';

const annotation = 'tailscale-gateway.com/auto-provisioned';

/** Whether a template asked for it once: what nobody marked so is never taken away. */
export const isAutoProvisioned = ({
  metadata,
}: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): boolean => metadata.annotations?.[annotation] === 'true';

export type Templates = Provisioned & {
  /** Why a template is not followed, by its TailscaleServices as `namespace/name`. */
  readonly problems: ReadonlyMap<string, Verdict>;
};

const nothing: Templates = { wanted: new Map(), unwanted: [], problems: new Map() };

type SelectedBy = (services: TailscaleServices) => readonly TailscaleEndpoints[];

type Inputs = {
  readonly TailscaleServices: ReadonlyMap<string, TailscaleServices>;
  readonly TailscaleEndpoints: ReadonlyMap<string, TailscaleEndpoints>;
};

/**
 * A function from all TailscaleServices and TailscaleEndpoints to what templates ask for. A template counts when its selector finds nothing else; what it
 * asked for stays while any TailscaleServices of the namespace selects it, and is owned by all that do, so that it goes with the last of them.
 * Older TailscaleServices go first, and younger ones find what those ask for. The same object while it says the same.
 */
export const templatesBuilder = (): ((inputs: Inputs) => Templates) => {
  const selectedOf = selectionsBuilder<TailscaleEndpoints>((text) => {
    const { namespace, selector } = JSON.parse(text) as { readonly namespace: string; readonly selector: LabelSelector };
    return ({ metadata }) => metadata.namespace === namespace && selects(selector, metadata.labels ?? {});
  });
  let source: Inputs | undefined;
  let last = nothing;
  return (inputs) => {
    if (source?.TailscaleServices === inputs.TailscaleServices && source.TailscaleEndpoints === inputs.TailscaleEndpoints) return last;
    // Not all that came with them, which would be kept until one of these changes.
    source = { TailscaleServices: inputs.TailscaleServices, TailscaleEndpoints: inputs.TailscaleEndpoints };
    const { get } = selectedOf(inputs.TailscaleEndpoints);
    const next = templatesOf(inputs, ({ metadata: { namespace = '' }, spec: { selector } }) =>
      selector === undefined ? [] : (get(JSON.stringify({ namespace, selector })) ?? []),
    );
    last = settled(last, next);
    return last;
  };
};

const isGoing = ({ metadata }: TailscaleServices | TailscaleEndpoints): boolean => metadata.deletionTimestamp !== undefined;

const templatesOf = ({ TailscaleServices, TailscaleEndpoints }: Inputs, selectedBy: SelectedBy): Templates => {
  const staying = [...TailscaleServices.values()].filter((services) => !isGoing(services));
  const provisioned = [...TailscaleEndpoints.values()].filter(isAutoProvisioned);
  const templated = staying
    .filter(({ spec }) => spec.endpointTemplate !== undefined)
    .toSorted((one, other) => byAge(one.metadata, other.metadata));
  if (templated.length === 0 && provisioned.length === 0) return nothing;

  const wanted = new Map<string, TailscaleEndpoints>();
  const problems = new Map<string, Verdict>();
  for (const services of templated) {
    const made = endpointsFrom(services);
    const key = localKeyOf(made);
    const standing = TailscaleEndpoints.get(key);
    const isMine = standing !== undefined && isAutoProvisioned(standing);
    if (!isMine && (selectedBy(services).some((endpoints) => !isGoing(endpoints)) || selectsAny(services, wanted))) continue;
    const problem = problemOf(services, made, isMine ? undefined : standing);
    if (problem === undefined) wanted.set(key, made);
    else problems.set(key, problem);
  }

  const selected = new Set(provisioned.length === 0 ? [] : staying.flatMap(selectedBy));
  const unwanted: string[] = [];
  for (const endpoints of provisioned) {
    const key = localKeyOf(endpoints);
    if (wanted.has(key)) continue;
    if (selected.has(endpoints)) wanted.set(key, asWritten(endpoints));
    else if (!isGoing(endpoints)) unwanted.push(key);
  }
  return { wanted: owned(wanted, ownersOf(staying, wanted, selectedBy)), unwanted: unwanted.toSorted(byCodeUnit), problems };
};

const selectsAny = (services: TailscaleServices, made: ReadonlyMap<string, TailscaleEndpoints>): boolean =>
  [...made.values()].some((endpoints) => selectsIt(services, endpoints));

const selectsIt = ({ metadata: { namespace }, spec }: TailscaleServices, { metadata }: TailscaleEndpoints): boolean =>
  metadata.namespace === namespace && selects(spec.selector, metadata.labels ?? {});

/** What we say of one that stays though no template is there any more: nothing new. */
const asWritten = ({ apiVersion, kind, metadata, spec }: TailscaleEndpoints): TailscaleEndpoints => {
  const { name, namespace, generation, labels, annotations } = metadata;
  return { apiVersion, kind, metadata: present({ name, namespace, generation, labels, annotations }), spec };
};

/** What a template stands for, by the name of its TailscaleServices. Labels it leaves open are filled in as the selector wants them. */
const endpointsFrom = ({
  metadata: { namespace = '', name },
  spec: { selector, endpointTemplate },
}: TailscaleServices): TailscaleEndpoints => {
  const { labels, tailnet = '', ...rest } = endpointTemplate ?? {};
  return {
    apiVersion: `${tailscaleGroup}/v1alpha1`,
    kind: 'TailscaleEndpoints',
    metadata: {
      name,
      namespace,
      generation: 1,
      labels: { ...labelsFor(selector), ...labels },
      annotations: { [annotation]: 'true' },
    },
    spec: { tailnet, ...rest },
  };
};

const labelsFor = (selector: LabelSelector = {}): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    (selector.matchExpressions ?? []).flatMap(({ key, operator, values = [] }) => {
      if (operator === 'In') return [[key, values[0] ?? '']];
      return operator === 'Exists' ? [[key, 'true']] : [];
    }),
  ),
  ...selector.matchLabels,
});

const problemOf = (services: TailscaleServices, made: TailscaleEndpoints, taken: TailscaleEndpoints | undefined): Verdict | undefined => {
  if (taken !== undefined) {
    return {
      reason: 'TemplateNameTaken',
      message: `endpointTemplate would make TailscaleEndpoints "${localKeyOf(made)}", which exists, and which the selector does not select: give it labels that match, or rename one of the two`,
    };
  }
  if (selectsIt(services, made)) return undefined;
  const labels = Object.entries(made.metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    reason: 'TemplateDoesNotMatch',
    message: `endpointTemplate would make TailscaleEndpoints with labels ${labels.join(', ') || '(none)'}, which the selector does not select: change endpointTemplate.labels or selector`,
  };
};

type Owners = ReadonlyMap<string, readonly OwnerReference[]>;

/** Of each wanted one those that select it, by name, and that a cluster knows by a uid. */
const ownersOf = (all: readonly TailscaleServices[], wanted: ReadonlyMap<string, TailscaleEndpoints>, selectedBy: SelectedBy): Owners => {
  const owners = new Map<string, OwnerReference[]>([...wanted.keys()].map((key) => [key, []]));
  for (const services of all.toSorted((one, other) => byCodeUnit(one.metadata.name, other.metadata.name))) {
    const keys = new Set(selectedBy(services).map(localKeyOf));
    const own = wanted.get(localKeyOf(services));
    if (own !== undefined && selectsIt(services, own)) keys.add(localKeyOf(own));
    for (const key of keys) owners.get(key)?.push(...ownerReferencesTo(services));
  }
  return owners;
};

const owned = (wanted: ReadonlyMap<string, TailscaleEndpoints>, owners: Owners): ReadonlyMap<string, TailscaleEndpoints> =>
  new Map(
    [...wanted]
      .map(([key, endpoints]) => {
        const ownerReferences = owners.get(key) ?? [];
        const metadata = ownerReferences.length === 0 ? endpoints.metadata : { ...endpoints.metadata, ownerReferences };
        return [key, { ...endpoints, metadata }] as const;
      })
      .toSorted(([one], [other]) => byCodeUnit(one, other)),
  );

const ownerReferencesTo = ({ apiVersion, kind, metadata: { name, uid } }: TailscaleServices): readonly OwnerReference[] =>
  uid === undefined ? [] : [{ apiVersion, kind, name, uid }];

const settled = (last: Templates, next: Templates): Templates => {
  const wanted = new Map([...next.wanted].map(([key, endpoints]) => [key, equalOr(last.wanted.get(key), endpoints)] as const));
  const same =
    wanted.size === last.wanted.size &&
    [...wanted].every(([key, endpoints]) => last.wanted.get(key) === endpoints) &&
    equal(last.unwanted, next.unwanted) &&
    equal([...last.problems], [...next.problems]);
  return same ? last : { ...next, wanted };
};

const equalOr = (last: TailscaleEndpoints | undefined, next: TailscaleEndpoints): TailscaleEndpoints =>
  last !== undefined && equal(last, next) ? last : next;

type Existing = ReadonlyMap<string, TailscaleEndpoints>;

/** All TailscaleEndpoints, those that templates ask for among them: where no cluster makes them, they are taken as made. The same map for the same two. */
export const withWanted = (existing: Existing, { wanted }: Provisioned): Existing => joined(existing)(wanted);

const joined = memo((existing: Existing) =>
  memo((wanted: Existing): Existing => {
    const missing = [...wanted].filter(([key]) => !existing.has(key));
    return missing.length === 0 ? existing : new Map([...existing, ...missing]);
  }),
);
