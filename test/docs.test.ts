import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../src/cli/run.ts';

const root = join(import.meta.dirname, '..');
const pages = [
  'README.md',
  'bench/README.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${String(name)}`),
].filter((name) => name.endsWith('.md'));
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Every command line that some page shows, as a block or within a sentence, without what a shell would do with it. */
const commands = pages.flatMap((page) => {
  const text = textOf(page);
  const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.split('\n'));
  const inline = [...text.matchAll(/`((?:npm|tailplane) [^`]+)`/g)].map(([, command = '']) => command);
  return [...lines, ...inline].flatMap((line) => line.split(/&&|[|&>#]/)).map((command) => ({ page, command: command.trim() }));
});

const verbs = commands.flatMap(({ page, command }) => {
  const [, words = ''] = /^(?:npm run -s tailplane -- |tailplane )([a-z].*)$/.exec(command) ?? [];
  return words === '' ? [] : [{ page, words: words.split(/\s+/) }];
});

describe('documentation', () => {
  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const named = commands.flatMap(({ page, command }) =>
      [...command.matchAll(/^npm run (?:-s )?([\w:]+)/g)].map(([, script = '']) => ({ page, script })),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ script }) => !(script in scripts))).toEqual([]);
  });

  it.each(verbs)('shows flags that the command line has: $page: $words', async ({ words }) => {
    const [verb = ''] = words;
    let help = '';
    const code = await runCli([verb, '--help'], {
      out: (text) => (help += text),
      err: (text) => (help += text),
      environment: {},
      terminal: false,
    });
    expect(code).toBe(0);
    for (const flag of words.filter((word) => word.startsWith('-'))) expect(help).toContain(flag.split('=')[0]);
  });

  it('links only to files that exist', () => {
    const links = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, target = '']) => ({ page, target })),
    );
    expect(links.filter(({ page, target }) => !exists(join(root, page, '..', target)))).toEqual([]);
  });
});

const exists = (path: string): boolean => {
  try {
    return readdirSync(path).length >= 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
};
