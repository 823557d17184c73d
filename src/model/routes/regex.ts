import { RE2JS, RE2JSException } from 're2js';

/**
 * Compiled instructions a pattern may have. Envoy counts up to eight times as many (it matches bytes), and our bootstrap lets it have
 * a million, so what passes here is never refused there.
 */
const maxProgramSize = 10_000;

/** Escapes, one by one, so that an escaped backslash is not taken for the start of the next escape. */
const escapes = /\\(?:x\{([0-9a-fA-F]+)\}|.)/gs;

/** Nested repetitions are counted differently by Envoy's RE2 when one of them is `{0}`; such a pattern says nothing that cannot be left out. */
const emptyRepetition = /\{0(?:,0)?\}/;

const repetitions = /\{(\d+)(?:,(\d*))?\}/g;

/** Instructions the repetitions ask for at the least: looked at first, because compiling such a pattern to count them would take seconds. */
const repeated = (pattern: string): number => {
  let total = 0;
  for (const [, from, to] of pattern.matchAll(repetitions)) total += Number(to === undefined || to === '' ? from : to);
  return total;
};

/** Why Envoy would not take `pattern` as a regular expression (RE2, over bytes); undefined when it would. */
export const regexProblem = (pattern: string): string | undefined => {
  if (pattern === '') return 'an empty regular expression';
  if (emptyRepetition.test(pattern)) return 'a repetition of {0}';
  for (const [escape, codePoint] of pattern.matchAll(escapes)) {
    if (codePoint !== undefined && Number.parseInt(codePoint, 16) > 0xff) return `${escape} is not a byte`;
  }
  if (repeated(pattern) > maxProgramSize) return `too large: its repetitions ask for more than ${maxProgramSize} instructions`;
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > maxProgramSize ? `too large: ${size} instructions, at most ${maxProgramSize} are allowed` : undefined;
  } catch (error) {
    // Whatever the parser says is about the user's pattern.
    return error instanceof RE2JSException ? error.message.replace('error parsing regexp: ', '') : 'not a regular expression';
  }
};
