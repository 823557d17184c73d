import { allKinds, isKind, type KindInfo, kinds } from '../../api/kinds.ts';
import { type ObjectKey, objectKey } from '../../lib/key.ts';
import { type Result, fail, ok } from '../../lib/result.ts';
import type { AdmissionError } from './error.ts';
import { isRecord } from './plain.ts';
import { closest } from './suggest.ts';

/** What an object says it is. `key` is absent where it has no name to make one of. */
export type Identity = { readonly info: KindInfo; readonly version: string; readonly key?: ObjectKey };

/**
 * Why an object is not admitted. An `unknown-kind` may be somebody else's (a Deployment beside its route), so that it is skipped and not
 * an error; `invalid` ones are of a kind we read.
 */
export type Refusal = {
  readonly because: 'unknown-kind' | 'invalid';
  readonly key?: ObjectKey;
  readonly errors: readonly AdmissionError[];
};

/** The kind and key of an object, before anything else about it is known to be right. */
export const identify = (raw: unknown): Result<Identity, Refusal> => {
  if (!isRecord(raw)) return invalid([], 'must be an object with apiVersion and kind');
  const { apiVersion, kind } = raw;
  if (apiVersion === undefined || apiVersion === null) return invalid(['apiVersion'], 'is required');
  if (kind === undefined || kind === null) return invalid(['kind'], 'is required');
  if (typeof apiVersion !== 'string') return invalid(['apiVersion'], 'must be a string');
  if (typeof kind !== 'string') return invalid(['kind'], 'must be a string');
  const [group, version] = apiVersion.includes('/') ? splitOnce(apiVersion) : ['', apiVersion];
  const info = isKind(kind) && kinds[kind].group === group ? kinds[kind] : undefined;
  if (info === undefined) return unknownKind(group, kind, apiVersion);
  if (!info.versions.includes(version)) {
    return invalid(['apiVersion'], `${kind} has no version ${JSON.stringify(version)}: use ${apiVersionOf(info)}`);
  }
  const key = keyFrom(info, raw['metadata']);
  return ok({ info, version, ...(key !== undefined && { key }) });
};

/** The apiVersion that objects of a kind have once admitted. */
export const apiVersionOf = ({ group, versions: [version] }: KindInfo): string => (group === '' ? version : `${group}/${version}`);

const splitOnce = (apiVersion: string): readonly [string, string] => {
  const slash = apiVersion.indexOf('/');
  return [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
};

const invalid = (path: AdmissionError['path'], reason: string): { readonly ok: false; readonly problem: Refusal } =>
  fail({ because: 'invalid', errors: [{ path, reason }] });

/** In one of our groups, or with a name we know, it is likely a slip: say what may have been meant. */
const unknownKind = (group: string, kind: string, apiVersion: string): { readonly ok: false; readonly problem: Refusal } => {
  const meant = isKind(kind) ? kinds[kind] : kindMeant(group, kind);
  const hint = meant === undefined ? '' : `, did you mean ${apiVersionOf(meant)} ${meant.kind}?`;
  return fail({ because: 'unknown-kind', errors: [{ path: ['kind'], reason: `unknown kind ${apiVersion} ${kind}: skipped${hint}` }] });
};

const kindMeant = (group: string, kind: string): KindInfo | undefined => {
  const meant = closest(
    kind,
    allKinds.filter((known) => kinds[known].group === group),
  );
  return meant !== undefined && isKind(meant) ? kinds[meant] : undefined;
};

const keyFrom = (info: KindInfo, metadata: unknown): ObjectKey | undefined => {
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '') return undefined;
  const { name, namespace } = metadata;
  if (info.scope === 'Cluster') return objectKey(info.kind, '', name);
  return objectKey(info.kind, typeof namespace === 'string' && namespace !== '' ? namespace : 'default', name);
};
