import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachField, WireError } from './read.ts';
import { fieldLength, writeHeader, writeText } from './write.ts';

const fieldsOf = (bytes: Buffer): [number, string][] => {
  const fields: [number, string][] = [];
  eachField(bytes, (field, start, end) => fields.push([field, bytes.toString('utf8', start, end)]));
  return fields;
};

describe('protobuf on the wire', () => {
  it('reads what was written, at every length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.string({ maxLength: 300, unit: 'grapheme' }), (field, text) => {
        const length = Buffer.byteLength(text);
        const bytes = Buffer.alloc(fieldLength(length));
        expect(writeText(bytes, 0, field, text, length)).toBe(bytes.length);
        expect(fieldsOf(bytes)).toEqual([[field, text]]);
      }),
    );
  });

  it('writes lengths beyond one byte', () => {
    const bytes = Buffer.alloc(5);
    expect(writeHeader(bytes, 0, 2, 1_000_000)).toBe(4);
    expect(fieldLength(1_000_000)).toBe(1_000_004);
  });

  it('passes over numbers of every kind', () => {
    const numbers = Buffer.from([0x08, 0x96, 0x01, 0x0d, 1, 2, 3, 4, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x12, 0x01, 0x61]);
    expect(fieldsOf(numbers)).toEqual([[2, 'a']]);
  });

  it('answers any bytes with fields or a WireError, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        let problem: unknown;
        try {
          eachField(bytes, (_field, start, end) => expect(start <= end && end <= bytes.length).toBe(true));
        } catch (error) {
          problem = error;
        }
        expect(problem === undefined || problem instanceof WireError).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
