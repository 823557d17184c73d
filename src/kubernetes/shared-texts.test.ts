import { expect, it } from 'vitest';
import { shareTexts } from './shared-texts.ts';

it('a value means the same afterwards, whatever is in it', () => {
  const text = '{"kind":"Pod","type":null,"reason":["a",{"group":"b"}],"zone":{"type":"c"},"message":"","n":[1,true,[]]}';
  const value: unknown = JSON.parse(text);
  shareTexts(value);
  expect(value).toEqual(JSON.parse(text));
  for (const plain of ['text', 7, null, undefined]) expect(() => shareTexts(plain)).not.toThrow();
});
