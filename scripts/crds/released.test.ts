import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Schema } from '../../src/api/schema.ts';
import type { Crd } from './crd.ts';

/**
 * `released.txt` holds every field that users' objects may have, one a line: `Kind.version.path: type`, with `required` after those that
 * they must have. New fields are added to it when they are released; nothing in it ever changes.
 */
const released: ReadonlyMap<string, string> = new Map(
  readFileSync(join(import.meta.dirname, 'released.txt'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(': ') as [string, string]),
);

/** Every field's path and what is said of it, as in `released.txt`. */
const fieldsOf = (schema: Schema, path: string): readonly (readonly [string, string])[] => {
  if (schema.items !== undefined) return fieldsOf(schema.items, `${path}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const type = child['x-kubernetes-int-or-string'] === true ? 'int-or-string' : (child.type ?? 'any');
    const at = `${path}.${name}`;
    return [[at, type + (schema.required?.includes(name) === true ? ' required' : '')] as const, ...fieldsOf(child, at)];
  });
};

const folder = join(import.meta.dirname, '../../crds');
const fields: ReadonlyMap<string, string> = new Map(
  readdirSync(folder).flatMap((file) => {
    const { spec } = parse(readFileSync(join(folder, file), 'utf8')) as Crd;
    return spec.versions.flatMap(({ name, schema }) => fieldsOf(schema.openAPIV3Schema, `${spec.names.kind}.${name}`));
  }),
);

describe('an object that an older release took is still valid', () => {
  it('keeps every field and its type', () => {
    const bare = (what: string | undefined): string | undefined => what?.replace(' required', '');
    expect([...released].filter(([path, what]) => bare(fields.get(path)) !== bare(what)).map(([path]) => path)).toEqual([]);
  });

  it('asks for no field that it did not ask for, except within what is new itself', () => {
    const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('.')).replace(/\[\]$/, '');
    const isRoot = (path: string): boolean => path.split('.').length === 2;
    const asked = [...fields].filter(([path, what]) => what.endsWith(' required') && released.get(path) !== what);
    expect(asked.filter(([path]) => isRoot(parentOf(path)) || released.has(parentOf(path))).map(([path]) => path)).toEqual([]);
  });
});
