import type { Resources } from '../../xds/resources.ts';
import type { Graph } from '../model/graph.ts';
import type { SourceState } from '../sources/source.ts';

/** What the pipeline knows, as far as it is reported. */
export type Known = {
  readonly state: SourceState;
  readonly graph: Graph;
  /** By Gateway, `namespace/name`. */
  readonly resources: ReadonlyMap<string, Resources>;
};
