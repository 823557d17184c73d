import { Command, CommanderError } from 'commander';
import { UsageError } from '../config.ts';
import { bootstrapCommand } from './bootstrap.ts';
import { checkCommand } from './check.ts';
import { crdsCommand } from './crds.ts';
import { dumpCommand } from './dump.ts';
import { explainCommand } from './explain.ts';
import { simulateCommand } from './simulate.ts';
import { statusCommand } from './status.ts';
import { serveCommand } from './serve.ts';
import { exit, type ExitCode, type Io, VerbError } from './io.ts';
import { packageVersion } from './package.ts';

/**
 * Runs one command line (without node and script) and gives the exit code: 0, 1 for problems found, 2 for a line that cannot be run as
 * given. Errors a user can cause are one line on stderr; anything else is thrown.
 */
export const runCli = async (args: readonly string[], io: Io): Promise<number> => {
  let code: ExitCode = exit.done;
  const problems = (): void => void (code = exit.problems);
  try {
    await programFor(io, problems).parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.done : exit.usage;
    if (error instanceof UsageError) return told(io, error, exit.usage);
    if (error instanceof VerbError) return told(io, error, exit.problems);
    throw error;
  }
};

const told = (io: Io, error: Error, code: ExitCode): ExitCode => {
  io.err(`tailplane: ${error.message}\n`);
  return code;
};

const programFor = (io: Io, problems: () => void): Command => {
  const program = new Command('tailplane')
    .description('A standalone xDS control plane that joins the Kubernetes Gateway API and Tailscale.')
    .version(packageVersion())
    .configureHelp({ showGlobalOptions: true });
  for (const verb of verbsFor(io, problems)) program.addCommand(verb);
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      // One line, whatever commander would have said in two.
      outputError: (text, write) =>
        write(
          `tailplane: ${text
            .trim()
            .replace(/^error: /, '')
            .replaceAll('\n', ' ')}\n`,
        ),
    });
  }
  return program;
};

const verbsFor = (io: Io, problems: () => void): readonly Command[] => [
  serveCommand(io),
  bootstrapCommand(io),
  checkCommand(io, problems),
  explainCommand(io),
  statusCommand(io),
  dumpCommand(io),
  crdsCommand(io),
  simulateCommand(io),
];
