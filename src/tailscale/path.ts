/**
 * Path of a noun from its parts, each of them one element; undefined when one is empty or a dot: the call would be about something else, as in
 * a DELETE of all of them. Escaped as Go does it, which leaves `:` as it is: whether the API takes `%3A` in `svc:web` is not known.
 */
export const pathOf = (parts: readonly string[]): string | undefined => {
  if (parts.some((part) => /^\.{0,2}$/.test(part) || !part.isWellFormed())) return undefined;
  return parts.map((part) => `/${encodeURIComponent(part).replaceAll('%3A', ':')}`).join('');
};
