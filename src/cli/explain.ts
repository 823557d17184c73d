import { Command } from 'commander';
import { type Explanation, type Path, wrongText } from '../ops/explain/explanation.ts';
import { addAskFlags, addOutputFlag, ask, type AskFlags, printJson } from './ask.ts';
import type { Io } from './io.ts';
import { table } from './table.ts';

type Flags = AskFlags & {
  readonly output: string;
  readonly method: string;
  readonly header: readonly string[];
  readonly gateway?: string;
  readonly peer?: string;
};

export const explainCommand = (io: Io): Command =>
  addOutputFlag(addAskFlags(new Command('explain')), ['table', 'json'])
    .description('what happens to a request, from listener to endpoints, or where it stops and why')
    .argument('<url|route>', 'http(s)://…, tls:// tcp:// udp://host:port, or a route such as HTTPRoute/default/shop')
    .option('--method <method>', 'request method', 'GET')
    .option('--header <name: value>', 'request header; may be repeated', (header: string, all: readonly string[]) => [...all, header], [])
    .option('--gateway <namespace/name>', 'in this Gateway only')
    .option('--peer <name|address>', 'as this machine of a tailnet, by a name or an address of a Tailscale Service')
    .addHelpText(
      'after',
      "\nExamples:\n  tailplane explain http://shop.localhost/cart --header 'x-version: v2'\n  tailplane explain HTTPRoute/default/shop\n  tailplane explain https://web.tail1234.ts.net/ --peer laptop\n",
    )
    .action(async (target: string, flags: Flags) => {
      const query = new URLSearchParams({ target, method: flags.method });
      for (const header of flags.header) query.append('header', header);
      if (flags.gateway !== undefined) query.set('gateway', flags.gateway);
      if (flags.peer !== undefined) query.set('peer', flags.peer);
      const explanation = await ask<Explanation>('/api/v1/explain', query, flags);
      if (flags.output === 'json') return printJson(io, explanation);
      io.out(explanation.paths.map((path) => pathText(explanation.target, path)).join('\n'));
    });

const pathText = (target: string, { gateway, outcome, status, steps, passedOver, wrong }: Path): string => {
  const by = gateway === '' ? '' : ` by Gateway ${gateway}`;
  const passed = passedOver.map(({ route, reason }) => ['', route, reason]);
  return [
    `${target}: ${outcome}${status === undefined ? '' : ` with ${status}`}${by}\n`,
    table(
      ['', '', ''],
      steps.map(({ at, name, detail }) => [at, name, detail]),
    ).trimStart(),
    ...(wrong === undefined ? [] : [`what is wrong first: ${wrongText(wrong)}\n`]),
    ...(passed.length === 0 ? [] : ['passed over:\n', table(['', '', ''], passed).trimStart()]),
  ].join('');
};
