import { allKinds } from '../api/kinds.ts';
import { byCodeUnit } from '../lib/key.ts';
import type { SourceProblem } from '../sources/source.ts';
import { isTrouble, statusWithTimes } from '../model/cluster-status.ts';
import type { Known } from './known.ts';
import { objectText } from './rejection.ts';

/** The JSON of `check -o json`; documented in docs/cli.md. */
export type CheckReport = {
  readonly objects: number;
  readonly errors: number;
  /** What could not be read as meant, and what conditions would say of the rest, by file and line. */
  readonly problems: readonly SourceProblem[];
};

export const checkReportOf = ({ state, graph }: Known): CheckReport => {
  const problems = [...state.problems, ...conditionProblems(state, graph)].toSorted(byPlace);
  return {
    objects: allKinds.reduce((sum, kind) => sum + state.objects[kind].size, 0),
    errors: problems.filter(({ severity }) => severity === 'error').length,
    problems,
  };
};

const conditionProblems = (state: Known['state'], { statuses }: Known['graph']): readonly SourceProblem[] =>
  [...statuses].flatMap(([object, status]) =>
    statusWithTimes(status, '')
      .conditions.filter(isTrouble)
      .map(({ about, type, reason, message }): SourceProblem => {
        const where = about === undefined ? '' : ` (${about})`;
        return {
          severity: 'error',
          reason: `${objectText(object)}${where}: ${type} ${reason}: ${message}`,
          object,
          ...state.placeOf?.(object),
        };
      }),
  );

const byPlace = (a: SourceProblem, b: SourceProblem): number =>
  byCodeUnit(a.file ?? '', b.file ?? '') || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
