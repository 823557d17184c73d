/** `unknown field`, with the known name that was probably meant when one is close. */
export const unknownField = (name: string, known: Iterable<string>): string => {
  const meant = closest(name, known);
  return meant === undefined ? 'unknown field' : `unknown field, did you mean ${JSON.stringify(meant)}?`;
};

/** The known name nearest to `name`: equal but for case, or at most two edits away (one for short names); undefined when none is. */
export const closest = (name: string, known: Iterable<string>): string | undefined => {
  const most = name.length <= 4 ? 1 : 2;
  let best: string | undefined;
  let bestDistance = most + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > most) continue;
    const distance = candidate.toLowerCase() === name.toLowerCase() ? 0 : editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
};

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
