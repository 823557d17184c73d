import type { Condition } from './status.ts';

/** One object's conditions: `observedGeneration` is the generation all of them are about. */
export type ConditionsOf = {
  readonly yes: (type: string, reason: string, message: string) => Condition;
  readonly no: (type: string, reason: string, message: string) => Condition;
  readonly unknown: (type: string, reason: string, message: string) => Condition;
};

export const conditionsOf = (observedGeneration: number): ConditionsOf => {
  const condition =
    (status: Condition['status']) =>
    (type: string, reason: string, message: string): Condition => ({ type, status, reason, message, observedGeneration });
  return { yes: condition('True'), no: condition('False'), unknown: condition('Unknown') };
};
