import type { Verdict } from '../route-node.ts';
import type { Findings } from './scope.ts';

/** Which reason a condition shows when references fail for several: what needs somebody else's consent first, then as the specification lists them. */
const precedence = ['RefNotPermitted', 'InvalidKind', 'BackendNotFound', 'UnsupportedProtocol'];

const rank = ({ reason }: Verdict): number => {
  const at = precedence.indexOf(reason);
  return at < 0 ? precedence.length : at;
};

/** The API server refuses longer condition messages. */
const maxMessage = 32_768;

const joined = (messages: readonly string[]): string => {
  const all = messages.join('; ');
  return all.length <= maxMessage ? all : `${all.slice(0, maxMessage - 1)}…`;
};

/** One verdict for several: the reason of the first of highest precedence, and every message, in the order of the object. */
export const unresolvedOf = (verdicts: readonly Verdict[]): Verdict | undefined => {
  const [first] = verdicts.toSorted((a, b) => rank(a) - rank(b));
  return first && { reason: first.reason, message: joined(verdicts.map(({ message }) => message)) };
};

/**
 * What invalid rules mean for their route (`PartiallyInvalid` in the specification, "Drop Rule(s)"): rejected when none is left,
 * otherwise accepted without those rules. The messages' start is prescribed.
 */
export const validityOf = (rules: readonly Findings[]): { readonly rejected?: Verdict; readonly partiallyInvalid?: Verdict } => {
  const dropped = rules.flatMap(({ invalid }) => (invalid.length === 0 ? [] : [invalid]));
  const [first] = dropped.flat();
  if (first === undefined) return {};
  const messages = dropped.map((verdicts) => verdicts.map(({ message }) => message).join(', '));
  return dropped.length === rules.length
    ? { rejected: { reason: first.reason, message: joined(messages) } }
    : { partiallyInvalid: { reason: 'UnsupportedValue', message: joined(messages.map((message) => `Dropped Rule ${message}`)) } };
};

/** For a route all of whose references resolve: what users should know of them nevertheless, once each, in the order of the object. */
export const remarksOf = (rules: readonly Findings[]): string | undefined => {
  const remarks = [...new Set(rules.flatMap((findings) => findings.remarks))];
  return remarks.length === 0 ? undefined : joined(['All references resolve', ...remarks]);
};
