import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentFrom } from './content.ts';
import { merge, mergeChanges, type Part } from './merge.ts';

type Write = { readonly file: string; readonly names: readonly string[]; readonly value: number; readonly broken: boolean };

const textOf = ({ names, value, broken }: Write): string =>
  names
    .map((name) => `apiVersion: v1\nkind: ${broken ? 'Nonsense' : 'ConfigMap'}\nmetadata: { name: ${name} }\ndata: { value: '${value}' }\n`)
    .join('---\n');

const write = fc.record({
  file: fc.constantFrom('a.yaml', 'b.yaml', 'c.yaml'),
  names: fc.uniqueArray(fc.constantFrom('one', 'two', 'three'), { maxLength: 2 }),
  value: fc.nat(2),
  broken: fc.constantFrom(false, false, false, true),
});

describe('mergeChanges', () => {
  it('gives what a merge of all files gives, wherever it gives anything', () => {
    let short = 0;
    fc.assert(
      fc.property(fc.array(write, { minLength: 2, maxLength: 12 }), (writes) => {
        const parts = new Map<string, Part>();
        let merged = merge([]);
        for (const one of writes) {
          const before = parts.get(one.file);
          const after = {
            file: one.file,
            content: contentFrom(one.file, textOf(one), before?.content),
            provisional: false,
            worldReadable: false,
          };
          parts.set(one.file, after);
          const whole = merge([...parts.values()], merged);
          const quick = mergeChanges([{ before, after }], merged);
          if (quick !== undefined) {
            short += 1;
            expect(quick).toEqual(whole);
            expect([...quick.objects.ConfigMap.keys()]).toEqual([...whole.objects.ConfigMap.keys()]);
          }
          merged = quick ?? whole;
        }
      }),
      { numRuns: 300 },
    );
    expect(short).toBeGreaterThan(50);
  });

  it('leaves the maps of other kinds as they are', () => {
    const part = (value: number, before?: Part): Part => ({
      file: 'a.yaml',
      content: contentFrom('a.yaml', textOf({ file: 'a.yaml', names: ['one'], value, broken: false }), before?.content),
      provisional: false,
      worldReadable: false,
    });
    const first = part(1);
    const merged = merge([first]);
    const next = mergeChanges([{ before: first, after: part(2, first) }], merged);
    expect(next?.objects.Service).toBe(merged.objects.Service);
    expect(next?.objects.ConfigMap).not.toBe(merged.objects.ConfigMap);
  });
});
