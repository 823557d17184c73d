import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainJson } from './hujson.ts';

describe('plainJson', () => {
  it('drops comments and trailing commas', () => {
    const text = '// head\n{ "a": [1, 2, /* two */ ], // tail\n "b": {"c": 1,\n// last\n}, }';
    expect(JSON.parse(plainJson(text))).toEqual({ a: [1, 2], b: { c: 1 } });
  });

  it('leaves strings alone, whatever they look like', () => {
    const text = JSON.stringify({ a: '// no', b: '/* no */', c: ',]', d: '"\\' });
    expect(plainJson(text)).toBe(text);
  });

  it('leaves JSON as it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(plainJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('does not make sense of what has none', () => {
    for (const text of ['{"a": 1 /* open', '[,]x', '"open', '{"a" 1,}']) expect(() => JSON.parse(plainJson(text))).toThrow(SyntaxError);
  });
});
