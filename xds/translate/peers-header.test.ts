import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerText } from './peers-header.ts';

/** RFC 2047 by another road than the encoder's. */
const decoded = (text: string): string => {
  if (!text.startsWith('=?')) return text;
  const bytes = text.split(' ').flatMap((word) => {
    const [, charset, encoding, inner = ''] = word.split('?');
    expect([charset, encoding]).toEqual(['utf-8', 'q']);
    return [...inner.replaceAll('_', ' ').matchAll(/=([0-9A-F]{2})|(.)/g)].map(([, hex, plain = '']) =>
      hex === undefined ? plain.charCodeAt(0) : Number.parseInt(hex, 16),
    );
  });
  return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
};

describe('a text for a header', () => {
  it('is itself where it is printable ASCII', () => {
    expect(headerText("Ann O'Neill <ann@example.com>")).toBe("Ann O'Neill <ann@example.com>");
  });

  it('is encoded as Tailscale’s own proxy encodes it', () => {
    expect(headerText('Ann Ångström')).toBe('=?utf-8?q?Ann_=C3=85ngstr=C3=B6m?=');
  });

  it('can be read back, in words of 75 characters that can be read one by one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const header = headerText(text);
        expect(header).toMatch(/^[ -~\t]*$/);
        if (header === text) return;
        for (const word of header.split(' ')) {
          expect(word.length).toBeLessThanOrEqual(75);
          decoded(word);
        }
        expect(decoded(header)).toBe(text);
      }),
    );
  });
});
