/** What others wrote, be it proxies or hands: whatever is not as agreed counts as absent. */

/** Undefined for what is no JSON. */
export const parsed = (text: string | undefined): unknown => {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not written as agreed
  }
};

/** None for what is no object. */
export const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
