import type { Schema } from '../../api/schema.ts';
import type { Findings } from './error.ts';
import { refuseDuplicates } from './lists.ts';
import { isRecord } from './plain.ts';
import { unknownField } from './suggest.ts';
import { brokenValueRules } from './values.ts';

/**
 * The admitted form of a value, with defaults in place; what is wrong with it goes to `found`, and the result is then of no use.
 * The value must be plain JSON, and is never changed.
 */
export type Admit = (value: unknown, found: Findings) => unknown;

/**
 * A schema compiled to one walk that prunes nulls, sets defaults, refuses unknown fields and checks types, values and lists, in the API
 * server's order: a null that the schema does not allow counts as absent, and what a default sets is itself defaulted and checked.
 */
export const compileSchema = (schema: Schema): Admit => {
  const admitType = admitterOf(schema);
  const checksValue = valueRuleNames.some((name) => schema[name] !== undefined);
  if (!checksValue) return admitType;
  return (value, found) => {
    const errors = found.errors.length;
    const admitted = admitType(value, found);
    if (found.errors.length === errors) for (const reason of brokenValueRules(schema, admitted, found.secret)) found.add(reason);
    return admitted;
  };
};

const valueRuleNames: readonly (keyof Schema)[] = [
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
];

const admitterOf = (schema: Schema): Admit => {
  if (schema['x-kubernetes-int-or-string'] === true) return admitIntOrString;
  return schema.type === undefined ? (value) => value : admitters[schema.type](schema);
};

const isInteger = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value);

const scalar =
  (wanted: string, fits: (value: unknown) => boolean): Admit =>
  (value, found) => {
    if (!fits(value)) found.add(wrongType(wanted, value));
    return value;
  };

const wrongType = (wanted: string, value: unknown): string => {
  const hint = wanted === 'a string' && (typeof value === 'number' || typeof value === 'boolean') ? ' (put it in quotes)' : '';
  return `must be ${wanted}, not ${typeName(value)}${hint}`;
};

const typeName = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
};

const admitArray = (schema: Schema): Admit => {
  const items = schema.items ?? {};
  const admitItem = compileSchema(items);
  return (value, found) => {
    if (!Array.isArray(value)) {
      found.add(wrongType('a list', value));
      return value;
    }
    const admitted = value.map((item: unknown, index) => {
      if (item === null && items.nullable === true) return null;
      found.enter(index);
      const result = admitItem(item === null && items.default !== undefined ? items.default : item, found);
      found.leave();
      return result;
    });
    refuseDuplicates(schema, admitted, found);
    return admitted;
  };
};

const admitObject = (schema: Schema): Admit => {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined) return admitFields(schema, properties);
  if (typeof additionalProperties === 'object') return admitMap(additionalProperties);
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties === true;
  return (value, found) => {
    if (!isRecord(value)) found.add(wrongType('an object', value));
    else if (!keepsUnknown && found.unknownFields !== 'refuse') return {};
    else if (!keepsUnknown) for (const name of Object.keys(value)) found.addAt(name, 'unknown field');
    return value;
  };
};

const admitMap = (values: Schema): Admit => {
  const admitValue = compileSchema(values);
  return (value, found) => {
    if (!isRecord(value)) {
      found.add(wrongType('an object', value));
      return value;
    }
    const admitted: Record<string, unknown> = {};
    for (const [key, raw] of Object.entries(value)) {
      if (raw === null && values.nullable === true) {
        admitted[key] = null;
        continue;
      }
      found.enter(key);
      admitted[key] = admitValue(raw === null && values.default !== undefined ? values.default : raw, found);
      found.leave();
    }
    return admitted;
  };
};

type Field = { readonly name: string; readonly admit: Admit; readonly schema: Schema; readonly required: boolean };

const admitFields = (schema: Schema, properties: Readonly<Record<string, Schema>>): Admit => {
  const fields = Object.entries(properties).map(([name, child]): Field => ({
    name,
    admit: compileSchema(child),
    schema: child,
    required: schema.required?.includes(name) === true,
  }));
  const known = new Set(Object.keys(properties));
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  return (value, found) => {
    if (!isRecord(value)) {
      found.add(wrongType('an object', value));
      return value;
    }
    const admitted: Record<string, unknown> = {};
    for (const field of fields) admitField(field, value, admitted, found);
    if (found.unknownFields === 'trim' || (found.unknownFields === 'prune' && !keepsUnknown)) return admitted;
    for (const name of Object.keys(value)) {
      if (known.has(name)) continue;
      if (keepsUnknown) admitted[name] = value[name];
      else found.addAt(name, unknownField(name, known));
    }
    return admitted;
  };
};

const admitField = (
  { name, admit, schema, required }: Field,
  from: Readonly<Record<string, unknown>>,
  to: Record<string, unknown>,
  found: Findings,
): void => {
  const given = Object.hasOwn(from, name) ? from[name] : undefined;
  if (given === null && schema.nullable === true) {
    to[name] = null;
    return;
  }
  const value = given ?? schema.default;
  if (value === undefined || value === null) {
    if (required) found.addAt(name, 'is required');
    return;
  }
  found.enter(name);
  to[name] = admit(value, found);
  found.leave();
};

const admitIntOrString = scalar('a number or a string', (value) => typeof value === 'string' || isInteger(value));

const admitters: Readonly<Record<NonNullable<Schema['type']>, (schema: Schema) => Admit>> = {
  object: admitObject,
  array: admitArray,
  string: () => scalar('a string', (value) => typeof value === 'string'),
  integer: () => scalar('a whole number', isInteger),
  number: () => scalar('a number', (value) => typeof value === 'number'),
  boolean: () => scalar('true or false', (value) => typeof value === 'boolean'),
};
