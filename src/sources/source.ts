import type { Observable } from 'rxjs';
import type { Objects } from '../api/objects.ts';
import type { Observations } from '../api/observations.ts';
import type { ObjectKey } from '../lib/key.ts';

/** Something a source could not read as the user meant it. `file`, `line` and `column` (1-based) where the source is a file. */
export type SourceProblem = {
  readonly severity: 'error' | 'warning';
  readonly reason: string;
  readonly object?: ObjectKey;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};

/** How well a source is: `lastRead` in milliseconds since the epoch, `error` why its state may be stale. */
export type SourceHealth = { readonly name: string; readonly synced: boolean; readonly lastRead: number; readonly error?: string };

/** Everything a source knows at one moment, whole: never a part of a list. Unchanged objects are the same objects as before. */
export type SourceState = {
  readonly objects: Objects;
  /** Absent from sources of configuration alone. */
  readonly observations?: Observations;
  readonly problems: readonly SourceProblem[];
  readonly health: SourceHealth;
  /** Where an object is written, for sources that know; looked up when asked, so that it is right also after lines moved. */
  readonly placeOf?: (object: ObjectKey) => Place | undefined;
};

export type Place = { readonly file: string; readonly line: number; readonly column: number };

/** The outside world as a stream of complete states. Emits nothing with `synced: true` before its first list is whole, and never errors. */
export type Source = Observable<SourceState>;
