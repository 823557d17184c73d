import type { LogicalSchema, ValueRules } from '../../api/schema.ts';
import { shown } from './error.ts';
import { fitsFormat, formatName } from './formats.ts';
import { isRecord } from './plain.ts';
import { matchesRe2 } from './re2.ts';

/**
 * Why `value` breaks the schema's rules about the value itself (limits, enum, pattern, format, alternatives), one reason each.
 * Its type has been checked before; lengths count characters, as the API server does. `secret` keeps the value out of the reasons.
 */
export const brokenValueRules = (rules: ValueRules, value: unknown, secret: boolean): readonly string[] => {
  const broken: string[] = [];
  const got = (): string => (secret ? '' : `, not ${shown(value)}`);
  if (rules.enum !== undefined && !rules.enum.some((allowed) => allowed === value)) {
    broken.push(`must be one of ${rules.enum.map(shown).join(', ')}${got()}`);
  }
  if (rules.format !== undefined && !fitsFormat(rules.format, value)) broken.push(`must be ${formatName(rules.format)}${got()}`);
  if (typeof value === 'string') broken.push(...brokenText(rules, value, got));
  else if (typeof value === 'number') broken.push(...brokenNumber(rules, value));
  else if (Array.isArray(value)) broken.push(...brokenCount(rules.minItems, rules.maxItems, value.length, 'items'));
  else if (isRecord(value)) broken.push(...brokenCount(rules.minProperties, rules.maxProperties, Object.keys(value).length, 'entries'));
  if (hasAlternatives(rules) && !fitsAlternatives(rules, value)) broken.push(`does not fit: ${describeAlternatives(rules)}`);
  return broken;
};

const brokenText = ({ minLength, maxLength, pattern }: ValueRules, value: string, got: () => string): readonly string[] => {
  const broken: string[] = [];
  if (minLength !== undefined && value.length < minLength) {
    broken.push(value === '' && minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`);
  }
  if (maxLength !== undefined && value.length > maxLength && charactersIn(value) > maxLength) {
    broken.push(`must have at most ${maxLength} characters`);
  } else if (pattern !== undefined && !matchesRe2(value, pattern)) broken.push(`must match ${pattern}${got()}`);
  return broken;
};

const brokenNumber = (rules: ValueRules, value: number): readonly string[] => {
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = rules;
  const broken: string[] = [];
  if (minimum !== undefined && (value < minimum || (exclusiveMinimum && value === minimum))) {
    broken.push(`must be ${exclusiveMinimum ? 'greater than' : 'at least'} ${minimum}, not ${value}`);
  }
  if (maximum !== undefined && (value > maximum || (exclusiveMaximum && value === maximum))) {
    broken.push(`must be ${exclusiveMaximum ? 'less than' : 'at most'} ${maximum}, not ${value}`);
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) broken.push(`must be a multiple of ${multipleOf}, not ${value}`);
  return broken;
};

const brokenCount = (least: number | undefined, most: number | undefined, count: number, what: string): readonly string[] => {
  if (least !== undefined && count < least) return [`must have at least ${least} ${what}, not ${count}`];
  if (most !== undefined && count > most) return [`must have at most ${most} ${what}, not ${count}`];
  return [];
};

const charactersIn = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const hasAlternatives = ({ oneOf, anyOf, allOf, not }: ValueRules): boolean => (oneOf ?? anyOf ?? allOf ?? not) !== undefined;

const fitsAlternatives = ({ oneOf, anyOf, allOf, not }: ValueRules, value: unknown): boolean =>
  (oneOf === undefined || oneOf.filter((schema) => fits(schema, value)).length === 1) &&
  (anyOf === undefined || anyOf.some((schema) => fits(schema, value))) &&
  (allOf === undefined || allOf.every((schema) => fits(schema, value))) &&
  (not === undefined || !fits(not, value));

const fits = (schema: LogicalSchema, value: unknown): boolean => {
  if (brokenValueRules(schema, value, true).length > 0) return false;
  if (Array.isArray(value)) return schema.items === undefined || value.every((item) => fits(schema.items ?? {}, item));
  if (!isRecord(value)) return true;
  const fields = Object.entries(schema.properties ?? {});
  return (
    (schema.required ?? []).every((field) => Object.hasOwn(value, field)) &&
    fields.every(([field, child]) => !Object.hasOwn(value, field) || fits(child, value[field]))
  );
};

/** The alternatives in short, since the schemas that have them carry no message: `type is "IPAddress" and value is an IPv4 address or …`. */
const describeAlternatives = ({ oneOf, anyOf, allOf, not }: LogicalSchema): string =>
  [
    ...[oneOf, anyOf].flatMap((list) => (list === undefined ? [] : [list.map(describe).join(', or ')])),
    ...(allOf ?? []).map(describe),
    ...(not === undefined ? [] : [`not ${describe(not)}`]),
  ].join(' and ');

const describe = (schema: LogicalSchema): string =>
  [
    ...(schema.enum === undefined ? [] : [schema.enum.map(shown).join(' or ')]),
    ...(schema.format === undefined ? [] : [formatName(schema.format)]),
    ...(schema.required ?? []).map((field) => `${field} is set`),
    ...Object.entries(schema.properties ?? {}).map(([field, child]) => `${field} is ${describe(child)}`),
    ...(hasAlternatives(schema) ? [describeAlternatives(schema)] : []),
  ].join(' and ');
