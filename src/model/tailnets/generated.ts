/** Objects that nobody wrote and no cluster has: they exist in the model's tables alone. */

const mark = '~';

/** A name for one, of DNS names and labels: no cluster lets anything be named so, so that it never meets another object. */
export const generatedName = (...parts: readonly string[]): string => parts.join(mark);

/** Whether a name, or an ObjectKey, is that of such an object: it has no status and no events. */
export const isGenerated = (nameOrKey: string): boolean => nameOrKey.includes(mark);
