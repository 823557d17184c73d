import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Io } from './io.ts';
import { packageRoot } from './package.ts';

export const crdsCommand = (io: Io): Command =>
  new Command('crds')
    .description("print tailplane's own CustomResourceDefinitions")
    .addHelpText('after', '\nExample:\n  tailplane crds | kubectl apply --server-side -f -\n')
    .action(async () => {
      const directory = join(packageRoot(), 'crds');
      const files = (await readdir(directory)).toSorted();
      const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')));
      io.out(texts.map((text) => text.trimEnd()).join('\n---\n') + '\n');
    });
