/** Where in an object something is: field names and list indices, from the root. */
export type FieldPath = readonly (string | number)[];

/** One thing an API server would refuse. `reason` follows the path and a colon, and never holds a Secret's content. */
export type AdmissionError = { readonly path: FieldPath; readonly reason: string };

/** `spec.rules[0].matches[1].path`; keys that are no plain names are quoted: `metadata.labels["a/b"]`. Empty for the root. */
const formatPath = (path: FieldPath): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : /^[A-Za-z_$][\w$-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`))
    .join('')
    .replace(/^\./, '');

export const formatError = ({ path, reason }: AdmissionError): string => (path.length === 0 ? reason : `${formatPath(path)}: ${reason}`);

/** A value as error messages show it, cut to a readable length. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
};

/**
 * What becomes of fields that a schema does not name: `refuse` is an error, as for `kubectl apply`; `prune` drops them, as API servers do,
 * but for places whose schema lets any field through; `trim` drops them there too.
 */
export type UnknownFields = 'refuse' | 'prune' | 'trim';

/** Where a walk through an object stands, and what it found: one per object, so that walking allocates nothing. */
export class Findings {
  readonly #path: (string | number)[] = [];
  readonly errors: AdmissionError[] = [];
  /** Set for kinds whose values are secret: reasons then leave them out. */
  readonly secret: boolean;
  readonly unknownFields: UnknownFields;

  constructor(secret: boolean, unknownFields: UnknownFields = 'refuse') {
    this.secret = secret;
    this.unknownFields = unknownFields;
  }

  enter(step: string | number): void {
    this.#path.push(step);
  }

  leave(): void {
    this.#path.pop();
  }

  /** Adds an error where the walk stands. An object with hundreds of mistakes is explained well enough by the first ones. */
  add(reason: string): void {
    if (this.errors.length < maxErrors) this.errors.push({ path: [...this.#path], reason });
  }

  addAt(step: string | number, reason: string): void {
    this.enter(step);
    this.add(reason);
    this.leave();
  }
}

const maxErrors = 20;
