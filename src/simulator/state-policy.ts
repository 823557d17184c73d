import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import type { Refusal } from './reply.ts';
import type { Policy, Tailnet } from './state.ts';

const tagPattern = /^tag:[a-zA-Z][a-zA-Z0-9-]*$/;

/** Whether a policy lets an owner of `tags` hand out `tag`; ownership passes on through tags that own tags. */
const isOwned = (policy: Policy, tag: string, tags: readonly string[], seen: ReadonlySet<string> = new Set()): boolean => {
  const owners = Object.hasOwn(policy.tagOwners ?? {}, tag) ? (policy.tagOwners?.[tag] ?? []) : [];
  return owners.some((owner) => tags.includes(owner) || (!seen.has(owner) && isOwned(policy, owner, tags, new Set([...seen, tag]))));
};

/**
 * Whether a credential with `own` tags may give something the tags `wanted`: they are its own, all of them, or each is owned by one of
 * them in the policy's `tagOwners`. A tag that the policy does not name exists for nobody, and no tags at all are refused, since a
 * program is no user who could own what it makes.
 */
export const permittedTags = (tailnet: Tailnet, own: readonly string[], wanted: readonly string[]): Result<readonly string[], Refusal> => {
  const tags = [...new Set(wanted)];
  const ownSet = tags.length === new Set(own).size && tags.every((tag) => own.includes(tag));
  const refused = tags.filter(
    (tag) => !tagPattern.test(tag) || !Object.hasOwn(tailnet.policy.tagOwners ?? {}, tag) || !(ownSet || isOwned(tailnet.policy, tag, own)),
  );
  return refused.length === 0 && tags.length > 0
    ? ok(tags)
    : fail({ status: 400, message: `requested tags [${refused.join(' ')}] are invalid or not permitted` });
};

/** Whether `autoApprovers.services` lets a machine with these tags host a service by that name or with one of those tags. */
export const isAutoApproved = (
  policy: Policy,
  service: { readonly name: string; readonly tags?: readonly string[] | undefined },
  hostTags: readonly string[],
): boolean =>
  [service.name, ...(service.tags ?? [])].some((subject) => {
    const approvers = policy.autoApprovers?.services ?? {};
    return (
      Object.hasOwn(approvers, subject) && (approvers[subject] ?? []).some((approver) => approver === '*' || hostTags.includes(approver))
    );
  });
