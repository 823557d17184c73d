type Optional<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T];
type Present<T> = Omit<T, Optional<T>> & { [K in Optional<T>]?: Exclude<T[K], undefined> };

/** `fields` without those that are undefined: an optional property is absent, never undefined, so that equal values are deeply equal. */
export const present = <T extends object>(fields: T): Present<T> => {
  const kept: Record<string, unknown> = {};
  // A loop, as this is done for each of thousands.
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name];
  return kept as Present<T>;
};
