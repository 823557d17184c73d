import { Command } from 'commander';
import type { Dump } from '../ops/dump.ts';
import { addAskFlags, addOutputFlag, ask, type AskFlags, printJson } from './ask.ts';
import type { Io } from './io.ts';

type Flags = AskFlags & { readonly output: string; readonly gateway?: string; readonly type?: string };

export const dumpCommand = (io: Io): Command =>
  addOutputFlag(addAskFlags(new Command('dump')), ['yaml', 'json'])
    .description('the xDS resources Envoys get, as protojson; private keys redacted')
    .option('--gateway <namespace/name>', 'of this Gateway only')
    .option(
      '--type <type>',
      'of this type only: Listener, RouteConfiguration, ScopedRouteConfiguration, Cluster, ClusterLoadAssignment, Secret, TypedExtensionConfig (or LDS, RDS …)',
    )
    .addHelpText('after', '\nExample:\n  tailplane dump --gateway default/quickstart --type routes\n')
    .action(async (flags: Flags) => {
      const query = new URLSearchParams();
      for (const name of ['gateway', 'type'] as const) if (flags[name] !== undefined) query.set(name, flags[name]);
      const dump = await ask<Dump>('/api/v1/dump', query, flags);
      if (flags.output === 'json') return printJson(io, dump);
      const { stringify } = await import('yaml');
      io.out(stringify(dump, { aliasDuplicateObjects: false, lineWidth: 0 }));
    });
