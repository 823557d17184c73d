/** Of one encoded word (RFC 2047, 2), what stands around its text included. */
const longestWord = 75;
const opening = '=?utf-8?q?';
const closing = '?=';

/** A text as a header can carry it, the way Tailscale's own proxy does: as it is if it is printable ASCII, else by RFC 2047 "Q" in words between spaces. */
export const headerText = (text: string): string => {
  if (/^[ -~\t]*$/.test(text)) return text;
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    const encoded = encodedCharacter(character);
    if (opening.length + word.length + encoded.length + closing.length > longestWord) {
      words.push(word);
      word = '';
    }
    word += encoded;
  }
  return [...words, word].map((part) => opening + part + closing).join(' ');
};

/** All bytes of a character stay in one word (RFC 2047, 5). */
const encodedCharacter = (character: string): string => {
  if (character === ' ') return '_';
  if (/^[!-<>@-^`-~]$/.test(character)) return character;
  return [...new TextEncoder().encode(character)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
};
