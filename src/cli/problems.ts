import type { SourceProblem } from '../sources/source.ts';

/** One line each: `file:line:column: reason`, warnings marked as such. */
export const problemLines = (problems: readonly SourceProblem[]): readonly string[] =>
  problems.map(({ severity, file, line, column, reason }) => {
    const place = [file, line, column].filter((part) => part !== undefined).join(':');
    return `${place === '' ? '' : `${place}: `}${severity === 'warning' ? 'warning: ' : ''}${reason}\n`;
  });
