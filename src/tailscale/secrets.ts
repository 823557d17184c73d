/** Shorter ones are words of any message, and protect nothing. */
const shortest = 8;
/** Access and identity tokens are replaced every hour; an answer quotes at most those of the last few calls. */
const passingKept = 8;

const shapes: readonly (readonly [RegExp, string])[] = [
  [/tskey-[\w-]+/gi, '[secret]'],
  // A JSON Web Token, also one that was cut off.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*)*/g, '[secret]'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 [secret]'],
  [/\/\/[^\s/@]+@/g, '//[secret]@'],
];

/** What must not be told, and texts without it: an API, or a proxy in front of it, may quote in an error what it was sent. */
export class Secrets {
  readonly #lasting: readonly string[];
  #passing: readonly string[] = [];

  constructor(lasting: readonly string[]) {
    this.#lasting = lasting;
  }

  keep(secret: string): void {
    if (!this.#passing.includes(secret)) this.#passing = [...this.#passing, secret].slice(-passingKept);
  }

  /** `text` as one line of at most 500 characters, with `[secret]` for each secret in any form that we send it in, and for what looks like one. */
  without(text: string): string {
    const known = [...this.#lasting, ...this.#passing]
      .flatMap((secret) => (secret.length < shortest ? [] : formsOf(secret.toWellFormed())))
      // Where one holds another, the longer one goes first, or its rest would stay.
      .toSorted((one, other) => other.length - one.length);
    let told = text;
    for (const secret of known) told = told.replaceAll(secret, '[secret]');
    for (const [shape, instead] of shapes) told = told.replaceAll(shape, instead);
    return told
      .replaceAll(/[\s\p{Cc}]+/gu, ' ')
      .trim()
      .slice(0, 500);
  }
}

/** As it is, in a URL, in a form, and in JSON. */
const formsOf = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams({ '': secret }).toString().slice(1),
  JSON.stringify(secret).slice(1, -1),
];
