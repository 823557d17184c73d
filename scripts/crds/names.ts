/**
 * What the type at a path of our own kinds is called. The first pattern that fits `Kind.field.field` wins; what no pattern fits is called
 * by its kind and path.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\.conditions$/, 'Condition'],
  [/\.(selector|allowedNamespaces)$/, 'LabelSelector'],
  [/\.matchExpressions$/, 'LabelSelectorRequirement'],
];

/** Name for the object type at `path`; see `NameOf`. */
export const typeNameOf = (kind: string, path: readonly string[]): string => {
  const at = [kind, ...path].join('.');
  const found = patterns.find(([pattern]) => pattern.test(at));
  return found?.[1] ?? [kind, ...path.map(capitalised)].join('');
};

const capitalised = (field: string): string => field.charAt(0).toUpperCase() + field.slice(1);
