import { type Result, fail, ok } from '../../lib/result.ts';

const maxDepth = 100;
const maxValues = 1_000_000;

/**
 * `value` itself where it is a tree of JSON values, no deeper than 100 and no larger than a million values: what every later step may
 * rely on. Cycles (YAML anchors can make them) count as too deep.
 */
export const plainFrom = (value: unknown): Result<unknown, string> => {
  const budget = { left: maxValues };
  const problem = problemIn(value, maxDepth, budget);
  return problem === undefined ? ok(value) : fail(problem);
};

const problemIn = (value: unknown, depth: number, budget: { left: number }): string | undefined => {
  if (--budget.left < 0) return `holds more than ${maxValues} values`;
  if (value === null || value === undefined || typeof value === 'boolean') return undefined;
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'holds half of a surrogate pair, which is no text';
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `holds ${value}, which is no JSON number`;
  if (typeof value !== 'object') return `holds a ${typeof value}, which is no JSON value`;
  if (depth === 0) return `is nested more than ${maxDepth} levels deep, or holds itself`;
  const children = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : undefined;
  if (children === undefined) return 'holds something that is no JSON value';
  for (const child of children) {
    const problem = problemIn(child, depth - 1, budget);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/** Whether `value` is a plain object: what JSON and YAML mappings become. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};
