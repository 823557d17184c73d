import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ok } from '../lib/result.ts';
import { initialPolicy } from './initial.ts';
import { bodyAs, refuse } from './reply.ts';
import type { Handler, Route } from './reply.ts';
import type { Policy } from './state.ts';

const owners = z.record(z.string(), z.array(z.string()));
const policySchema: z.ZodType<Policy> = z.looseObject({
  tagOwners: owners.optional(),
  autoApprovers: z.looseObject({ services: owners.optional() }).optional(),
});

/** The version of a policy, quoted as HTTP wants it: equal text is an equal version. */
const etagOf = (policy: Policy): string => `"${createHash('sha256').update(JSON.stringify(policy)).digest('hex')}"`;

const get: Handler = ({ policy }, { headers, query }) => {
  const text = JSON.stringify(policy, null, 2);
  const etag = etagOf(policy);
  if (query.get('details') === 'true')
    return ok({ headers: { etag }, body: { acl: Buffer.from(text).toString('base64'), warnings: [], errors: [] } });
  const wantsJson = (headers['accept'] ?? '').includes('application/json');
  return ok({ headers: { etag, ...(!wantsJson && { 'content-type': 'application/hujson' }) }, body: text });
};

const set: Handler = (tailnet, { headers, body }) => {
  const current = etagOf(tailnet.policy);
  const expected = headers['if-match'];
  if (expected !== undefined && expected !== current && !(expected === '"ts-default"' && current === etagOf(initialPolicy)))
    return refuse(412, 'precondition failed, invalid old hash');
  const policy = bodyAs(policySchema, body);
  return policy.ok
    ? ok({ tailnet: { ...tailnet, policy: policy.value }, headers: { etag: etagOf(policy.value) }, body: policy.value })
    : policy;
};

const validate: Handler = (_, { body }) => {
  const policy = bodyAs(policySchema, body);
  return ok({ body: policy.ok ? {} : { message: policy.problem.message } });
};

export const policyRoutes: readonly Route[] = [
  ['GET', '/tailnet/:tailnet/acl', ['policy_file:read'], get],
  ['POST', '/tailnet/:tailnet/acl', ['policy_file'], set],
  ['POST', '/tailnet/:tailnet/acl/validate', ['policy_file:read'], validate],
];
