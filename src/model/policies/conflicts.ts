import { localKeyOf } from '../../lib/key.ts';
import { combined } from './combine.ts';
import type { Governing } from './governing.ts';
import { type Field, fieldsOf, type Policy, type PolicyMatch, type PolicyRule, writtenAs } from './policy.ts';

/** What an older policy of the same target takes from a younger one; `all` when nothing of it is left there. */
export type Loss = { readonly message: string; readonly all: boolean };

/** What `policy` loses to others on one target, which are given oldest first. Identity rules take nothing from each other: all of them count. */
export const lossOf = (policy: Policy, governing: readonly Governing[]): Loss | undefined => {
  const older = governing.slice(
    0,
    governing.findIndex((one) => one.policy === policy),
  );
  const messages: string[] = [];
  const gone = new Set<Field>();
  for (const winner of older.map((one) => one.policy)) {
    const lost = fieldsOfPolicy(policy).filter((field) => field !== 'identity' && meet(policy, winner, field));
    if (lost.length === 0) continue;
    messages.push(`${lost.map((field) => writtenAs[field]).join(', ')} of the older TailscaleRoutePolicy "${localKeyOf(winner.object)}"`);
    for (const field of lost)
      if (winner.rules.some(({ matches, actions }) => matches === undefined && actions[field] !== undefined)) gone.add(field);
  }
  if (messages.length === 0) return undefined;
  const all = fieldsOfPolicy(policy).every((field) => gone.has(field)) && policy.rules.every(({ blocked }) => !blocked);
  return { message: `${messages.join('; ')} takes precedence`, all };
};

const fieldsOfPolicy = ({ rules }: Policy): readonly Field[] => [...new Set(rules.flatMap(({ actions }) => fieldsOf(actions)))];

/** Whether some request is for rules of both that say something of the field. */
const meet = (one: Policy, other: Policy, field: Field): boolean => {
  const saying = ({ rules }: Policy): readonly PolicyRule[] => rules.filter(({ actions }) => actions[field] !== undefined);
  return saying(one).some((rule) => saying(other).some((against) => overlap(rule.matches, against.matches)));
};

const overlap = (ones: PolicyRule['matches'], others: PolicyRule['matches']): boolean =>
  ones === undefined || others === undefined || ones.some((one) => others.some((other) => combined(asRoute(one), other).kind !== 'never'));

const asRoute = ({ path, method, headers, queryParams }: PolicyMatch): Parameters<typeof combined>[0] => ({
  path: path ?? { type: 'prefix', value: '/' },
  ...(method === undefined ? {} : { method }),
  headers,
  queryParams,
  grpc: false,
});
