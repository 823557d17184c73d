/** Which names to take: all that one of `patterns` matches (all names where there is none), but none that one of `excludePatterns` matches. */
export type NameSelection = { readonly patterns?: readonly string[]; readonly excludePatterns?: readonly string[] };

/**
 * A test for what goes by several names, such as a machine by its host name and its MagicDNS name: one name that matches is enough, for taking
 * it and for leaving it out.
 */
export const nameSelector = ({ patterns = [], excludePatterns = [] }: NameSelection): ((names: readonly string[]) => boolean) => {
  const taken = patterns.map(namePattern);
  const left = excludePatterns.map(namePattern);
  return (names) => (taken.length === 0 || taken.some((matches) => names.some(matches))) && !left.some((matches) => names.some(matches));
};

/**
 * A test for names as a whole: `*` stands for any characters, also for none and for dots; case does not count. Nothing else is special.
 * Never goes back in the name, whatever the pattern: each part between stars is looked for once, from where the last one ended.
 */
export const namePattern = (pattern: string): ((name: string) => boolean) => {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const last = rest.pop();
  if (last === undefined) return (name) => name.toLowerCase() === first;
  return (name) => {
    const text = name.toLowerCase();
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    for (const part of rest) {
      const at = text.indexOf(part, from);
      if (at < 0 || at + part.length > end) return false;
      from = at + part.length;
    }
    return true;
  };
};
