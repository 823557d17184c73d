/** Characters that can continue a name: a match is a whole name only if none of them is next to it. */
const continues = /[\w\-.~:/]/;

/**
 * Which of the names an error message mentions, as whole words. Envoy names what it rejects: "Error adding/updating cluster(s) a: …,
 * b: …" (Envoy's CDS and LDS), so a name followed by a colon or a full stop counts too.
 */
export const namesIn = (message: string, names: readonly string[]): ReadonlySet<string> => {
  const found = new Map<string, number[]>();
  for (const name of names) {
    if (name === '') continue;
    const places: number[] = [];
    for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1))
      if (isWhole(message, at, name.length)) places.push(at);
    if (places.length > 0) found.set(name, places);
  }
  const isInside = (name: string, at: number): boolean =>
    [...found].some(
      ([other, places]) => other.length > name.length && places.some((start) => start <= at && at + name.length <= start + other.length),
    );
  return new Set([...found].filter(([name, places]) => places.some((at) => !isInside(name, at))).map(([name]) => name));
};

const isWhole = (message: string, at: number, length: number): boolean => {
  const before = message[at - 1] ?? ' ';
  const after = message.slice(at + length, at + length + 2);
  return !continues.test(before) && (!continues.test(after[0] ?? ' ') || /^[.:](\s|$)/.test(after));
};
