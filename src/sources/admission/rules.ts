import type { Schema } from '../../api/schema.ts';
import { ruleFrom } from './cel.ts';
import type { Findings } from './error.ts';
import { isRecord } from './plain.ts';

/** Evaluates every rule (`x-kubernetes-validations`) on an admitted value; what is broken goes to `found`. */
export type CheckRules = (admitted: unknown, found: Findings) => void;

/**
 * A schema's rules, compiled. Rules that compare with an object's former state (`oldSelf`) never fail: to a file every version is the
 * first. Throws when a rule is no CEL.
 */
export const compileRules = (schema: Schema): CheckRules => {
  const check = walkOf(schema);
  if (check === undefined) return () => undefined;
  const view = viewOf(schema) ?? ((value: unknown) => value);
  return (admitted, found) => check(view(admitted), found);
};

/** `undefined` where neither the schema nor anything below it has a rule, so that walks skip the whole branch. */
const walkOf = (schema: Schema): CheckRules | undefined => {
  const own = (schema['x-kubernetes-validations'] ?? [])
    .filter(({ rule }) => !/\boldSelf\b/.test(rule))
    .map(({ rule, message }) => ({ holds: ruleFrom(rule), message: message ?? `must satisfy ${rule}` }));
  const below = walkBelow(schema);
  if (own.length === 0) return below;
  return (self, found) => {
    for (const { holds, message } of own) if (!holds(self)) found.add(message);
    below?.(self, found);
  };
};

const walkBelow = (schema: Schema): CheckRules | undefined => {
  if (schema.items !== undefined) return walkItems(schema.items);
  if (typeof schema.additionalProperties === 'object') return walkValues(schema.additionalProperties);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const check = walkOf(child);
    return check === undefined ? [] : [{ name: fieldInCel(name), path: name, check }];
  });
  if (fields.length === 0) return undefined;
  return (self, found) => {
    if (!isRecord(self)) return;
    for (const { name, path, check } of fields) {
      const value = self[name];
      if (value === undefined || value === null) continue;
      found.enter(path);
      check(value, found);
      found.leave();
    }
  };
};

const walkItems = (schema: Schema): CheckRules | undefined => {
  const check = walkOf(schema);
  if (check === undefined) return undefined;
  return (self, found) => {
    if (Array.isArray(self)) walkEntries(self.entries(), check, found);
  };
};

const walkValues = (schema: Schema): CheckRules | undefined => {
  const check = walkOf(schema);
  if (check === undefined) return undefined;
  return (self, found) => {
    if (isRecord(self)) walkEntries(Object.entries(self), check, found);
  };
};

const walkEntries = (entries: Iterable<readonly [string | number, unknown]>, check: CheckRules, found: Findings): void => {
  for (const [step, value] of entries) {
    found.enter(step);
    check(value, found);
    found.leave();
  }
};

type View = (value: unknown) => unknown;

/** How CEL sees a value: integers as integers (not doubles), and fields named like CEL's keywords escaped. `undefined`: as it is. */
const viewOf = (schema: Schema): View | undefined => {
  if (schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true) return integerView;
  if (schema.items !== undefined) {
    const item = viewOf(schema.items);
    return item && ((value) => (Array.isArray(value) ? value.map(item) : value));
  }
  if (typeof schema.additionalProperties === 'object') {
    const entry = viewOf(schema.additionalProperties);
    return (
      entry && ((value) => (isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, child]) => [key, entry(child)])) : value))
    );
  }
  return fieldsViewOf(schema.properties ?? {});
};

const integerView: View = (value) => (typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value);

const fieldsViewOf = (properties: Readonly<Record<string, Schema>>): View | undefined => {
  const changed = new Map<string, { readonly name: string; readonly view: View | undefined }>();
  for (const [name, child] of Object.entries(properties)) {
    const view = viewOf(child);
    if (view !== undefined || fieldInCel(name) !== name) changed.set(name, { name: fieldInCel(name), view });
  }
  if (changed.size === 0) return undefined;
  return (value) => {
    if (!isRecord(value)) return value;
    const seen: Record<string, unknown> = {};
    for (const [name, child] of Object.entries(value)) {
      const change = changed.get(name);
      seen[change?.name ?? name] = change?.view === undefined ? child : change.view(child);
    }
    return seen;
  };
};

/** Kubernetes' escape for field names that are words of CEL. */
const fieldInCel = (name: string): string => (keywords.has(name) ? `__${name}__` : name);

const keywords: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
