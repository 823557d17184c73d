import { isIP } from 'node:net';
import { type ASTNode, Environment, type TypeDeclaration } from '@marcbachmann/cel-js';
import { matchesRe2 } from './re2.ts';

/** Whether a rule holds for `self`. False also where it cannot be evaluated (a field is missing): the API server refuses both alike. */
export type Rule = (self: unknown) => boolean;

/**
 * The compiled rule, once per expression: CEL as CustomResourceDefinitions use it (RE2 expressions, `has` on any operand, `isIP`).
 * Throws on an expression that is no CEL: rules come with the schemas we ship, never from users.
 */
export const ruleFrom = (expression: string): Rule => {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const evaluate = environment.parse(toDialect(expression));
  const checked = evaluate.check();
  if (!checked.valid) throw new Error(`unreachable: schema rule ${expression}`, { cause: checked.error });
  const rule: Rule = (self) => {
    try {
      return evaluate({ self }) === true;
    } catch {
      return false;
    }
  };
  compiled.set(expression, rule);
  return rule;
};

const compiled = new Map<string, Rule>();

type Macro = { readonly operand: ASTNode; readonly field: string };
type Checker = { check(node: ASTNode, context: unknown): TypeDeclaration; getType(name: string): TypeDeclaration };
type Evaluator = { run(node: ASTNode, context: unknown): unknown };

const presentMacro = ({ args }: { readonly args: readonly ASTNode[] }) => {
  const selection = args[0];
  if (selection?.op !== '.') throw new Error('has() takes a field selection');
  const [operand, field] = selection.args;
  return {
    operand,
    field,
    typeCheck(checker: Checker, macro: Macro, context: unknown): TypeDeclaration {
      checker.check(macro.operand, context);
      return checker.getType('bool');
    },
    evaluate(evaluator: Evaluator, macro: Macro, context: unknown): boolean {
      const operand = evaluator.run(macro.operand, context);
      if (typeof operand !== 'object' || operand === null) throw new Error('has() on a value without fields');
      return Object.hasOwn(operand, macro.field);
    },
  };
};

const environment = new Environment()
  .registerVariable('self', 'dyn')
  .registerFunction('isIP(string): bool', (text: string) => isIP(text) !== 0 && !text.includes('%'))
  .registerFunction('string.matchesRe2(string): bool', matchesRe2)
  .registerFunction('present(ast): bool', presentMacro);

/** cel-js 8.0.0 refuses `has(list[0].field)`, and matches with JavaScript's expressions: our own functions stand in for both. */
const toDialect = (expression: string): string =>
  expression.replace(literalsAndCalls, (token, has: string | undefined, matches: string | undefined) => {
    if (has !== undefined) return 'present(';
    return matches === undefined ? token : '.matchesRe2(';
  });

const literalsAndCalls = /r?(?:"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(\bhas\()|(\.matches\()/g;
