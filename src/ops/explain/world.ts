import { noObservations, type Observations } from '../../api/observations.ts';
import type { Read } from '../../lib/memo.ts';
import type { Graph } from '../../model/graph.ts';
import { type Policies, policiesBuilder } from '../../model/policies/governing.ts';
import { type ModelTables, tablesBuilder } from '../../model/tables.ts';
import { generatedAdder, generatedRoutesBuilder } from '../../model/tailnets/generated-routes.ts';
import { withWanted } from '../../model/tailnets/templates.ts';
import type { Known } from '../known.ts';
import { type Shared, sharedIn } from './shared.ts';

/** What explanations are made of. */
export type World = {
  readonly graph: Graph;
  /** Whether anybody asks tailnets: nobody does where files alone are read. */
  readonly asked: boolean;
  /** The model's own tables, to see why a backend in a tailnet has the endpoints it has. */
  readonly read: Read<ModelTables>;
  /** TailscaleRoutePolicies by what they are about; undefined where there are none. */
  readonly policies: () => Policies | undefined;
  /** Tailscale Services that objects of ours have. */
  readonly shared: () => ReadonlyMap<string, Shared>;
  readonly tailnets: Observations['tailnets'];
  readonly sharedServices: Observations['sharedServices'];
};

/** Tables and policies are made when something is looked up: most explanations have no need of them. */
export const worldOf = ({ graph, state: { objects, observations } }: Pick<Known, 'graph' | 'state'>): World => {
  let tables: ModelTables | undefined;
  let policies: Policies | undefined;
  let shared: ReadonlyMap<string, Shared> | undefined;
  const made = (): ModelTables => {
    const all = { ...objects, TailscaleEndpoints: withWanted(objects.TailscaleEndpoints, graph.provisioned) };
    const plain = tablesBuilder()(all, observations ?? noObservations);
    return generatedAdder()(plain, generatedRoutesBuilder()(plain));
  };
  const { tailnets, sharedServices } = observations ?? noObservations;
  const world: World = {
    graph,
    asked: observations !== undefined,
    read: (table, key) => (tables ??= made())[table].get(key) as never,
    shared: () => (shared ??= sharedIn(world)),
    policies: () => (objects.TailscaleRoutePolicy.size === 0 ? undefined : (policies ??= policiesBuilder()((tables ??= made())))),
    tailnets,
    sharedServices,
  };
  return world;
};
