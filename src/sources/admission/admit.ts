import type { AnyObject, KindInfo } from '../../api/kinds.ts';
import { type Result, fail, ok } from '../../lib/result.ts';
import { convert } from './convert.ts';
import { coreSchemas } from './core-schemas.ts';
import { Findings, type UnknownFields } from './error.ts';
import { apiVersionOf, type Identity, identify, type Refusal } from './identify.ts';
import { admitMetadata, storedMetadata } from './metadata.ts';
import { isRecord, plainFrom } from './plain.ts';
import { compiledSchemaOf } from './schemas.ts';

/**
 * The object as an API server would store it: validated against its kind's schema and rules, with defaults in place, in its kind's
 * newest version and without `status`. Unknown fields are errors, as `kubectl apply` treats them; core kinds may have any.
 * Never throws, whatever `raw` is, and never changes it.
 */
export const admit = (raw: unknown): Result<AnyObject, Refusal> => admitFrom(raw, false);

/**
 * `admit` for what an API server holds. Fields that our schemas do not know are dropped, for its CRDs may be newer than we are, and of core
 * kinds only what we read stays. Metadata is its own (`uid`, `generation` …), without what changes when nothing that we read does.
 */
export const admitStored = (raw: unknown): Result<AnyObject, Refusal> => admitFrom(raw, true);

const admitFrom = (raw: unknown, stored: boolean): Result<AnyObject, Refusal> => {
  const plain = plainFrom(raw);
  if (!plain.ok) return fail({ because: 'invalid', errors: [{ path: [], reason: plain.problem }] });
  const identity = identify(raw);
  if (!identity.ok) return identity;
  return isRecord(raw) ? admitAs(identity.value, raw, stored) : fail({ because: 'invalid', errors: [] });
};

const admitAs = ({ info, version, key }: Identity, raw: Readonly<Record<string, unknown>>, stored: boolean): Result<AnyObject, Refusal> => {
  const found = new Findings(info.kind === 'Secret', stored ? unknownFieldsOfStored(info) : 'refuse');
  const { apiVersion: _, kind: __, metadata: rawMetadata, status, ...fields } = raw;
  found.enter('metadata');
  const metadata = stored ? storedMetadata(rawMetadata, found) : admitMetadata(info, rawMetadata, found);
  found.leave();
  const { admit: admitFields, checkRules } = compiledSchemaOf(info.kind, version);
  const body = admitFields(info.kind === 'Node' ? { ...fields, status } : fields, found);
  if (found.errors.length === 0) checkRules(body, found);
  if (found.errors.length > 0) return fail({ because: 'invalid', errors: found.errors, ...(key !== undefined && { key }) });
  const object = { apiVersion: apiVersionOf(info), kind: info.kind, metadata, ...(body as Readonly<Record<string, unknown>>) };
  return ok(convert(info.kind, version, object) as unknown as AnyObject);
};

/** The schemas of core kinds name what we read, and let anything else through. */
const unknownFieldsOfStored = ({ kind }: KindInfo): UnknownFields => (Object.hasOwn(coreSchemas, kind) ? 'trim' : 'prune');
