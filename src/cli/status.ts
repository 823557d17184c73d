import { Command } from 'commander';
import type { ReportedObject, StatusReport } from '../ops/status-report.ts';
import { addAskFlags, addOutputFlag, ask, type AskFlags, printJson } from './ask.ts';
import type { Io } from './io.ts';
import { problemLines } from './problems.ts';
import { table } from './table.ts';

export const statusCommand = (io: Io): Command =>
  addOutputFlag(addAskFlags(new Command('status')), ['table', 'json'])
    .description('objects with their conditions, connected Envoys, and problems')
    .addHelpText('after', '\nExamples:\n  tailplane status\n  tailplane status -o json --config-dir examples/quickstart\n')
    .action(async (flags: AskFlags & { readonly output: string }) => {
      const report = await ask<StatusReport>('/api/v1/status', new URLSearchParams(), flags);
      if (flags.output === 'json') return printJson(io, report);
      io.out(reportText(report));
    });

const reportText = ({ objects, envoys, problems, sources }: StatusReport): string => {
  const withStatus = objects.filter(({ status }) => status !== undefined);
  const sections = [
    table(['KIND', 'NAMESPACE', 'NAME', 'OK', 'TROUBLE'], withStatus.flatMap(objectRows)),
    table(
      ['ENVOY', 'GATEWAY', 'MODE', 'STATE', 'CONNECTED', 'ERROR'],
      envoys.map(({ node, gateway, mode, state, connectedAt, types }) => [
        node,
        gateway,
        mode,
        state,
        connectedAt,
        types.map(({ error }) => error).find((error) => error !== '') ?? '',
      ]),
    ),
    problemLines(problems).join(''),
    sources.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}; its last good state stands\n`])).join(''),
  ];
  const shown = sections.filter((section) => section !== '').join('\n');
  return shown === '' ? 'nothing is configured\n' : shown;
};

/** One row, and one more for each further trouble. */
const objectRows = ({ kind, namespace, name, conditions }: ReportedObject): readonly (readonly string[])[] => {
  const troubles = conditions
    .filter(({ trouble }) => trouble)
    .map(({ about, type, reason, message }) => `${type} ${reason}${about === undefined ? '' : ` (${about})`}: ${message}`);
  const [first = '', ...others] = troubles;
  return [
    [kind, namespace ?? '', name, troubles.length === 0 ? 'yes' : 'no', first],
    ...others.map((trouble) => ['', '', '', '', trouble]),
  ];
};
