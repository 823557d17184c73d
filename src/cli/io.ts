/** What a verb may touch of the process, so that tests can be one. */
export type Io = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a person reads the output. */
  readonly terminal: boolean;
};

/** Exit codes, the same for every verb. */
export const exit = { done: 0, problems: 1, usage: 2 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** Something outside did not answer or is wrong: one line on stderr, exit code 1. */
export class VerbError extends Error {
  override readonly name = 'VerbError';
}

export const processIo: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  environment: process.env,
  terminal: process.stdout.isTTY,
};
