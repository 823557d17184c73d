import type { Observable } from 'rxjs';
import type { AdsOptions, AdsServer } from '../../xds/ads/server.ts';
import type { Tls } from '../../xds/ads/tls.ts';
import type { ClusterFigures } from '../ops/metrics.ts';
import type { Overview, OverviewOptions } from '../ops/overview.ts';
import type { Steps, Update } from '../pipeline.ts';
import type { Source } from '../sources/source.ts';

/** What a platform works with once it exists. */
export type Running = { readonly ads: AdsServer; readonly overview: Overview };

/** Where configuration comes from, who may have it, and what is done about it there: a directory of files, or a cluster. */
export interface Platform {
  readonly source: Source;
  readonly steps: Steps;
  /** Who gets which snapshot. */
  readonly groupOf: AdsOptions['groupOf'];
  /** Certificates, the newest counts; xDS is not served before the first. Absent: without TLS. */
  readonly tls$?: Observable<Tls>;
  /** For metrics. */
  readonly figures?: () => ClusterFigures;
  /** What it has to say about statuses, and wants to hear of them. */
  readonly status: Pick<OverviewOptions, 'overlay' | 'told' | 'rejectedElsewhere' | 'beside'>;
  /** Begins its own work. */
  readonly start: (running: Running) => void;
  /** A change was published to Envoys. */
  readonly updated: (update: Update) => void;
  /** Lets others take over what only one may do; streams are drained after it. */
  readonly resign: () => Promise<void>;
  /** Ends the rest, when streams are drained. */
  readonly stop: () => Promise<void>;
}
