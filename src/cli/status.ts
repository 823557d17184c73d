import { Command } from 'commander';
import type { ReportedObject, StatusReport } from '../ops/status-report.ts';
import type { ReportedProxies, ReportedService, ReportedTailnet } from '../ops/tailnet-report.ts';
import { addAskFlags, addOutputFlag, ask, type AskFlags, printJson } from './ask.ts';
import type { Io } from './io.ts';
import { problemLines } from './problems.ts';
import { table } from './table.ts';
import { agoText } from './ago.ts';

export const statusCommand = (io: Io): Command =>
  addOutputFlag(addAskFlags(new Command('status')), ['table', 'json'])
    .description('objects with their conditions, tailnets and their proxies, connected Envoys, and problems')
    .addHelpText('after', '\nExamples:\n  tailplane status\n  tailplane status -o json --config-dir examples/quickstart\n')
    .action(async (flags: AskFlags & { readonly output: string }) => {
      const report = await ask<StatusReport>('/api/v1/status', new URLSearchParams(), flags);
      if (flags.output === 'json') return printJson(io, report);
      io.out(reportText(report, Date.now()));
    });

/** As people read it. `now`: milliseconds since 1970. */
export const reportText = ({ objects, tailnets, proxies, services, envoys, problems, sources }: StatusReport, now: number): string => {
  const withStatus = objects.filter(({ status }) => status !== undefined);
  const sections = [
    table(['KIND', 'NAMESPACE', 'NAME', 'OK', 'TROUBLE'], withStatus.flatMap(objectRows)),
    table(
      ['TAILNET', 'DOMAIN', 'CONNECTED', 'LAST SYNC', 'TROUBLE'],
      tailnets.map((tailnet) => tailnetRow(tailnet, now)),
    ),
    table(['PROXIES', 'NAMESPACE', 'TAILNET', 'MODE', 'READY', 'DEVICES', 'TROUBLE'], proxies.map(proxiesRow)),
    table(['SERVICE', 'TAILNET', 'OWNER', 'PORTS', 'ADDRESSES', 'USED BY', 'TROUBLE'], services.map(serviceRow)),
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

const tailnetRow = ({ name, asked, domain, devices, lastSync, trouble }: ReportedTailnet, now: number): readonly string[] => [
  name,
  domain ?? '',
  devices === undefined ? '' : `${devices.connected} of ${devices.total}`,
  lastSync === undefined ? (asked ? 'never' : 'not asked') : agoText(lastSync, now),
  trouble === undefined ? '' : `${agoText(trouble.since, now)}: ${trouble.message}`,
];

const proxiesRow = ({
  namespace,
  name,
  tailnet,
  direction,
  mode,
  ready,
  desired,
  devices,
  trouble,
}: ReportedProxies): readonly string[] => [
  name,
  namespace,
  tailnet ?? '',
  [direction, mode].filter((word) => word !== undefined).join(' '),
  `${ready} of ${desired}`,
  `${devices.filter(({ joined }) => joined).length} of ${desired}`,
  trouble ?? '',
];

const serviceRow = ({ name, tailnet, owner, ports, addresses, consumers, trouble }: ReportedService): readonly string[] => [
  name,
  tailnet,
  owner,
  ports.join(' '),
  addresses.join(' '),
  consumers.join(' '),
  trouble ?? '',
];
