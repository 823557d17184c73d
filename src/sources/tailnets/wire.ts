import { isIP } from 'node:net';

/** Of what one tailnet can hold; more than that is no answer but a mistake. */
const maxEntries = 100_000;

/** DNS: no name is longer. */
const maxNameLength = 253;

/** An answer that makes no sense, and is therefore not used at all. */
export class SenselessAnswer extends Error {
  override readonly name = 'SenselessAnswer';
}

export const refuseTooMany = (what: string, count: number): void => {
  if (count > maxEntries) throw new SenselessAnswer(`it tells of ${count} ${what}; a tailnet has no more than ${maxEntries}`);
};

/** `text` where it may stand in a message and in Envoy's configuration as a name. Throws `SenselessAnswer` otherwise. */
export const nameFrom = (what: string, text: string): string => {
  if (text.length > maxNameLength || unprintable.test(text))
    throw new SenselessAnswer(`it tells of a ${what} with the name ${JSON.stringify(text.slice(0, 80))}`);
  return text;
};

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unprintable = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029]/;

/** The IP addresses among `texts`, IPv4 first, in lower case; what is no address is of no use to anyone, and left out. */
export const addressesFrom = (texts: readonly string[]): readonly string[] => {
  const [v4, v6]: [string[], string[]] = [[], []];
  for (const text of texts.slice(0, maxAddresses)) {
    const family = text.includes('%') ? 0 : isIP(text);
    if (family === 4) v4.push(text);
    else if (family === 6) v6.push(text.toLowerCase());
  }
  return [...v4, ...v6];
};

/** A machine has one of each family. */
const maxAddresses = 16;
