import { RE2JS } from 're2js';

/** Whether any part of `text` matches: the regular expressions of Go, and in time linear in the text whatever the expression. */
export const matchesRe2 = (text: string, expression: string): boolean => {
  let regex = compiled.get(expression);
  if (regex === undefined) {
    regex = RE2JS.compile(expression);
    compiled.set(expression, regex);
  }
  return regex.test(text);
};

/** Bounded by the number of expressions in the schemas we ship. */
const compiled = new Map<string, RE2JS>();
