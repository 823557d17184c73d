import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  type ScalarTag,
} from 'yaml';
import type { FieldPath } from '../admission/error.ts';
import { type Result, fail, ok } from '../../lib/result.ts';

/** A place in a text, both 1-based. */
export type Position = { readonly line: number; readonly column: number };

export type SyntaxProblem = Position & { readonly reason: string };

/** The values of a text: almost always one; several only where `...` ends documents. JSON is read as JSON, since it is far quicker. */
export const valuesIn = (text: string): Result<readonly unknown[], readonly SyntaxProblem[]> => {
  const json = jsonFrom(text);
  if (json !== undefined) return ok([json]);
  try {
    return yamlValuesIn(text);
  } catch (error) {
    return fail([{ line: 1, column: 1, reason: reasonOf(error as Error) }]); // nested too deep, or aliases that expand without end
  }
};

/** The first mistakes explain the others. */
const maxProblems = 20;

const reasonOf = ({ message }: Error): string => (message.startsWith('Maximum call stack') ? 'is nested too deep' : message);

const yamlValuesIn = (text: string): Result<readonly unknown[], readonly SyntaxProblem[]> => {
  const lines = new LineCounter();
  const documents = documentsIn(text, lines);
  const problems = documents.flatMap(({ errors }) =>
    errors.map((error) => ({ ...positionAt(lines, error.pos[0]), reason: reasonOf(error) })),
  );
  if (problems.length > 0) return fail(problems.slice(0, maxProblems));
  return ok(documents.map((document): unknown => document.toJS({ maxAliasCount: 100 })));
};

/** Where fields of a text are: for each value (see `valuesIn`) and path the place of the field's name, or of the nearest parent it has. */
export const locatorOf = (text: string): ((value: number, path: FieldPath) => Position) => {
  const lines = new LineCounter();
  const documents = documentsIn(text, lines);
  return (value, path) => {
    const document = documents[value];
    return document === undefined ? { line: 1, column: 1 } : positionAt(lines, offsetOf(document, path));
  };
};

const jsonFrom = (text: string): unknown => {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // YAML in flow style, or wrong: the YAML parser says what is
  }
};

const documentsIn = (text: string, lines: LineCounter): readonly Document.Parsed[] => {
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    customTags: (tags) => [boolTag, octalTag, ...tags],
  });
  return Array.isArray(documents) ? documents : [];
};

const positionAt = (lines: LineCounter, offset: number): Position => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
};

const offsetOf = (document: Document.Parsed, path: FieldPath): number => {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const parent = isAlias(node) ? node.resolve(document) : node;
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (!isPair(pair)) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(parent) && typeof step === 'number') {
      node = parent.items[step];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
};

const startOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];

/** Kubernetes reads YAML with Go's parser, to which these words are booleans: a header value `yes` needs quotes here as there. */
const boolTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:[Yy]|[Yy]es|YES|[Oo]n|ON|[Tt]rue|TRUE|[Nn]|[Nn]o|NO|[Oo]ff|OFF|[Ff]alse|FALSE)$/,
  resolve: (text) => new Scalar(/^(?:y|t|on)/i.test(text)),
};

/** …and a leading zero means octal. */
const octalTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};
