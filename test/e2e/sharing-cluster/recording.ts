/** A page of the documentation that shows commands and what they said. */

/** A command, where it runs (the prompt before `$`), and what it says. */
export type Step = { readonly where: string; readonly command: string; readonly output: string };

export type Recording = {
  /** Files that the page shows, by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
};

/** Files are blocks of YAML with a name after the language; commands are in blocks of `console`. */
export const recordingOf = (page: string): Recording => ({
  files: new Map([...page.matchAll(/^```yaml (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', content = '']) => [name, content])),
  steps: [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    [...block.matchAll(/^(\w+)\$ (.*)\n((?:(?!\w+\$ ).*\n)*)/gm)].map(([, where = '', command = '', output = '']) => ({
      where,
      command,
      output: output.trimEnd(),
    })),
  ),
});
