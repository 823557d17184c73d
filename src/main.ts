#!/usr/bin/env node
/** The program's entry. What `serve` wires together is in cli/server.ts; the other verbs load nothing of it. */
import { processIo } from './cli/io.ts';
import { runCli } from './cli/run.ts';

// A reader that closed the pipe (`tailplane dump | head`) has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2), processIo);
