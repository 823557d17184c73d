import type { Objects } from '../../api/objects.ts';
import type { SourceProblem } from '../source.ts';
import { defaultMaxFileBytes, FileSet } from './files.ts';
import { merge } from './merge.ts';

/**
 * What files and directories say, once: the offline door to the same reading as `directorySource`. Paths that do not exist are problems
 * like any other; never throws.
 */
export const readDirectory = (
  paths: readonly string[],
  maxFileBytes = defaultMaxFileBytes,
): { readonly objects: Objects; readonly problems: readonly SourceProblem[] } => {
  const files = new FileSet(paths, maxFileBytes);
  const scan = files.scan({ now: 0, graceMs: 0 });
  while (scan.next().done !== true);
  const { objects, problems } = merge(files.parts());
  return { objects, problems: [...files.rootProblems(), ...problems] };
};
