import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { type Config, configFrom, settings, UsageError } from '../config.ts';
import { releaseMemory } from './heap.ts';
import type { Io } from './io.ts';
import { stopSignal } from './stop-signal.ts';

/** `serve`: the flags of config.ts; runs until SIGTERM or SIGINT. */
export const serveCommand = (io: Io): Command => {
  const command = new Command('serve').description('watch a directory of YAML and serve it to Envoys');
  for (const { flag, help, fallback } of Object.values(settings))
    command.option(flag, typeof fallback === 'string' ? `${help} (default: ${fallback})` : help);
  return command
    .option('--no-provisioning', 'leave Envoys to whoever runs them')
    .option('--config <file>', 'YAML with the settings above in camelCase, such as configDir')
    .addHelpText(
      'after',
      '\nEach flag is also an environment variable, such as TAILPLANE_CONFIG_DIR. Flags win over variables, variables over the file.\n' +
        '\nExample:\n  tailplane serve --config-dir examples/quickstart\n',
    )
    .action(async (flags: Readonly<Record<string, unknown>>) => {
      const config = await readConfig(flags, io);
      const { serve } = await import('./server.ts');
      const { loggerFor } = await import('../ops/log.ts');
      const server = await serve(config, loggerFor(config.logLevel, io.terminal));
      releaseMemory();
      await stopSignal();
      await server.stop();
    });
};

const readConfig = async (flags: Readonly<Record<string, unknown>>, io: Io): Promise<Config> => {
  const path = flags['config'] ?? io.environment['TAILPLANE_CONFIG'];
  if (typeof path !== 'string') return configFrom(flags, io.environment);
  const { parseDocument } = await import('yaml');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--config: cannot read ${path}: ${error.code}`, { cause: error });
  });
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new UsageError(`${path}:${error.linePos?.[0].line ?? 1}: ${error.message.split('\n', 1)[0]}`);
  return configFrom(flags, io.environment, { path, content: document.toJS() as unknown });
};
