import { type AnyObject, isKind, kinds } from '../../api/kinds.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import { admit } from '../admission/admit.ts';
import { type AdmissionError, type FieldPath, formatError } from '../admission/error.ts';
import { apiVersionOf } from '../admission/identify.ts';
import { isRecord, plainFrom } from '../admission/plain.ts';
import { locatorOf, type Position, valuesIn } from './yaml.ts';

/** An object of a document, or that there is one which was refused. `path` leads to it, through `items` where it is part of a list. */
type Item = { readonly value: number; readonly path: FieldPath } & (
  | { readonly object: AnyObject; readonly key: ObjectKey }
  | { readonly object?: never; readonly key?: ObjectKey }
);

type DocumentProblem = Position & { readonly severity: 'error' | 'warning'; readonly reason: string; readonly object?: ObjectKey };

/** A document read and admitted. Lines count from its own start. `parsed` is false where the text is no YAML. */
export type DocumentContent = { readonly parsed: boolean; readonly items: readonly Item[]; readonly problems: readonly DocumentProblem[] };

/** Everything a document says; pure, so that equal texts need reading once. */
export const readDocument = (text: string): DocumentContent => {
  const values = valuesIn(text);
  if (!values.ok) return { parsed: false, items: [], problems: values.problem.map((problem) => ({ severity: 'error', ...problem })) };
  const reader = new Reader(text);
  for (const [index, value] of values.value.entries()) if (value !== null && value !== undefined) reader.read(index, value);
  return { parsed: true, items: reader.items, problems: reader.problems };
};

class Reader {
  readonly items: Item[] = [];
  readonly problems: DocumentProblem[] = [];
  readonly #text: string;
  #locate: ReturnType<typeof locatorOf> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(value: number, raw: unknown): void {
    const plain = plainFrom(raw);
    if (plain.ok) this.#readObject(value, [], raw);
    else this.#refuse({ value, path: [] }, 'error', [{ path: [], reason: plain.problem }]);
  }

  #readObject(value: number, path: FieldPath, raw: unknown): void {
    const list = listIn(raw);
    if (list !== undefined) {
      for (const [index, item] of list.entries()) this.#readObject(value, [...path, 'items', index], item);
      return;
    }
    const result = admit(raw);
    if (result.ok) {
      this.items.push({ value, path, object: result.value, key: keyOf(result.value) });
      return;
    }
    const { because, key, errors } = result.problem;
    this.#refuse({ value, path, ...(key !== undefined && { key }) }, because === 'unknown-kind' ? 'warning' : 'error', errors);
  }

  #refuse(item: Item, severity: 'error' | 'warning', errors: readonly AdmissionError[]): void {
    if (severity === 'error') this.items.push(item);
    this.#locate ??= locatorOf(this.#text);
    for (const error of errors) {
      const position = this.#locate(item.value, [...item.path, ...error.path]);
      this.problems.push({ severity, ...position, reason: formatError(error), ...(item.key !== undefined && { object: item.key }) });
    }
  }
}

/** The objects of a `List`, or of a typed one (`HTTPRouteList`) whose items may leave out what the list's own kind says. */
const listIn = (raw: unknown): readonly unknown[] | undefined => {
  if (!isRecord(raw) || typeof raw['kind'] !== 'string' || !raw['kind'].endsWith('List') || !Array.isArray(raw['items'])) return undefined;
  const items: readonly unknown[] = raw['items'];
  const kind = raw['kind'].slice(0, -'List'.length);
  if (kind === '') return items;
  if (!isKind(kind)) return undefined;
  const named = { apiVersion: raw['apiVersion'] ?? apiVersionOf(kinds[kind]), kind };
  return items.map((item) => (isRecord(item) ? { ...named, ...item } : item));
};
