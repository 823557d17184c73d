/** Fields that say the same few things in thousands of objects. */
const fields: ReadonlySet<string> = new Set(['controllerName', 'group', 'kind', 'message', 'namespace', 'reason', 'type', 'zone']);
const texts = new Map<string, string>();
/** Messages can be as many as there are objects. */
const textsAtMost = 10_000;

/** Makes texts that say the same the same text, in place: JSON is parsed into one of its own for each. For values that nobody else has seen. */
export const shareTexts = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) return value.forEach(shareTexts);
  const record = value as Record<string, unknown>;
  for (const field of Object.keys(record)) {
    const held = record[field];
    if (typeof held !== 'string') shareTexts(held);
    else if (fields.has(field)) record[field] = shared(held);
  }
};

const shared = (text: string): string => {
  const known = texts.get(text);
  if (known === undefined && texts.size < textsAtMost) texts.set(text, text);
  return known ?? text;
};
