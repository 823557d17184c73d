import { Command } from 'commander';
import { addOutputFlag, printJson } from './ask.ts';
import type { Io } from './io.ts';
import { problemLines } from './problems.ts';

export const checkCommand = (io: Io, problems: () => void): Command =>
  addOutputFlag(new Command('check'), ['table', 'json'])
    .description('validate files and directories, alone and together; exit 1 if anything is wrong')
    .argument('<path...>', 'files and directories')
    .option('--privileged-ports', 'judge ports as serve --privileged-ports does')
    .addHelpText('after', '\nExample:\n  tailplane check examples/quickstart\n')
    .action(async (paths: readonly string[], flags: { readonly output: string; readonly privilegedPorts?: boolean }) => {
      const [{ readPaths }, { checkReportOf }] = await Promise.all([import('./offline.ts'), import('../ops/check-report.ts')]);
      const report = checkReportOf(await readPaths(paths, flags.privilegedPorts));
      if (report.errors > 0) problems();
      if (flags.output === 'json') return printJson(io, report);
      io.out(problemLines(report.problems).join(''));
      const warnings = report.problems.length - report.errors;
      io.err(`${report.objects} objects, ${count(report.errors, 'error')}, ${count(warnings, 'warning')}\n`);
    });

const count = (number: number, word: string): string => `${number === 0 ? 'no' : number} ${word}${number === 1 ? '' : 's'}`;
