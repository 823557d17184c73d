import type { Verdict } from './route-node.ts';
import type { Condition } from './status.ts';

/** One object's conditions: `observedGeneration` is the generation all of them are about. */
export type ConditionsOf = {
  readonly yes: (type: string, reason: string, message: string) => Condition;
  readonly no: (type: string, reason: string, message: string) => Condition;
  /** True, with the type as its reason as the specification has it, unless there is a verdict against it. */
  readonly unless: (verdict: Verdict | undefined, type: string, message: string) => Condition;
  readonly unknown: (type: string, reason: string, message: string) => Condition;
};

export const conditionsOf = (observedGeneration: number): ConditionsOf => {
  const condition =
    (status: Condition['status']) =>
    (type: string, reason: string, message: string): Condition => ({ type, status, reason, message, observedGeneration });
  const [yes, no] = [condition('True'), condition('False')];
  return {
    yes,
    no,
    unless: (verdict, type, message) => (verdict === undefined ? yes(type, type, message) : no(type, verdict.reason, verdict.message)),
    unknown: condition('Unknown'),
  };
};
