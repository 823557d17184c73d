import type { AnyObject } from '../../api/kinds.ts';
import { type Result, fail, ok } from '../../lib/result.ts';
import { convert } from './convert.ts';
import { Findings } from './error.ts';
import { apiVersionOf, type Identity, identify, type Refusal } from './identify.ts';
import { admitMetadata } from './metadata.ts';
import { isRecord, plainFrom } from './plain.ts';
import { compiledSchemaOf } from './schemas.ts';

/**
 * The object as an API server would store it: validated against its kind's schema and rules, with defaults in place, in its kind's
 * newest version and without `status`. Unknown fields are errors, as `kubectl apply` treats them; core kinds may have any.
 * Never throws, whatever `raw` is, and never changes it.
 */
export const admit = (raw: unknown): Result<AnyObject, Refusal> => {
  const plain = plainFrom(raw);
  if (!plain.ok) return fail({ because: 'invalid', errors: [{ path: [], reason: plain.problem }] });
  const identity = identify(raw);
  if (!identity.ok) return identity;
  return isRecord(raw) ? admitAs(identity.value, raw) : fail({ because: 'invalid', errors: [] });
};

const admitAs = ({ info, version, key }: Identity, raw: Readonly<Record<string, unknown>>): Result<AnyObject, Refusal> => {
  const found = new Findings(info.kind === 'Secret');
  const { apiVersion: _, kind: __, metadata: rawMetadata, status, ...fields } = raw;
  found.enter('metadata');
  const metadata = admitMetadata(info, rawMetadata, found);
  found.leave();
  const { admit: admitFields, checkRules } = compiledSchemaOf(info.kind, version);
  const body = admitFields(info.kind === 'Node' ? { ...fields, status } : fields, found);
  if (found.errors.length === 0) checkRules(body, found);
  if (found.errors.length > 0) return fail({ because: 'invalid', errors: found.errors, ...(key !== undefined && { key }) });
  const object = { apiVersion: apiVersionOf(info), kind: info.kind, metadata, ...(body as Readonly<Record<string, unknown>>) };
  return ok(convert(info.kind, version, object) as unknown as AnyObject);
};
