import type { KindInfo } from '../../api/kinds.ts';
import type { Schema } from '../../api/schema.ts';
import { present } from '../../lib/present.ts';
import type { Findings } from './error.ts';
import { isRecord } from './plain.ts';
import { matchesRe2 } from './re2.ts';
import { compileSchema } from './structural.ts';

const text: Schema = { type: 'string' };
const textMap: Schema = { type: 'object', additionalProperties: text };
const time: Schema = { type: 'string', format: 'date-time' };

const ownerReference: Schema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'name', 'uid'],
  properties: {
    apiVersion: text,
    kind: text,
    name: text,
    uid: text,
    controller: { type: 'boolean' },
    blockOwnerDeletion: { type: 'boolean' },
  },
};

const metadataSchema: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    namespace: text,
    labels: textMap,
    annotations: textMap,
    creationTimestamp: time,
    finalizers: { type: 'array', items: text },
    ownerReferences: { type: 'array', items: ownerReference },
  },
};

const admitSchema = compileSchema(metadataSchema);

/** What only a server can know: a file may hold it (from `kubectl get -o yaml`), and it means nothing there. */
const withoutServerFields = (raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(raw).filter(([field]) => !serverFields.has(field)));

const serverFields: ReadonlySet<string> = new Set(
  'deletionGracePeriodSeconds deletionTimestamp generateName generation managedFields resourceVersion selfLink uid'.split(' '),
);

/**
 * Metadata as the API server would give it to a new object: namespace `default` unless set, generation 1. A `creationTimestamp` is kept
 * when the file has one and never made up, so that "oldest first" falls to the order of names instead of the time a file was read.
 */
export const admitMetadata = (info: KindInfo, raw: unknown, found: Findings): unknown => {
  const admitted = admitSchema(isRecord(raw) ? withoutServerFields(raw) : (raw ?? {}), found);
  if (!isRecord(admitted)) return admitted;
  const { name, namespace: given, ...rest } = admitted;
  const namespace = info.scope === 'Namespaced' ? given || 'default' : given;
  const metadata: Record<string, unknown> = { name, ...(namespace !== undefined && { namespace }), generation: 1, ...rest };
  checkNames(info, metadata, found);
  checkLabels(metadata['labels'], found);
  checkAnnotations(metadata['annotations'], found);
  return metadata;
};

/**
 * Metadata as an API server gave it, cut to what may bear on what the object means: a change of resourceVersion, finalizers, owners or field
 * managers alone leaves it equal. Kinds that count no generations stay at 1.
 */
export const storedMetadata = (raw: unknown, found: Findings): unknown => {
  if (!isRecord(raw) || typeof raw['name'] !== 'string' || raw['name'] === '') {
    found.addAt('name', 'is required');
    return raw;
  }
  const { name, namespace, labels, annotations, generation = 1, creationTimestamp, deletionTimestamp, uid } = raw;
  return present({ name, namespace, labels, annotations, generation, creationTimestamp, deletionTimestamp, uid });
};

const subdomain = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const label = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
/** RFC 1035: a Service's name becomes a DNS label, and those may not start with a digit. */
const label1035 = '^[a-z]([-a-z0-9]*[a-z0-9])?$';

const checkNames = (info: KindInfo, { name, namespace }: Readonly<Record<string, unknown>>, found: Findings): void => {
  if (typeof name === 'string' && name !== '') {
    if (info.kind === 'Service') checkName('name', name, label1035, 63, 'a DNS label that starts with a letter', found);
    else if (info.kind === 'Namespace') checkName('name', name, label, 63, 'a DNS label', found);
    else checkName('name', name, subdomain, 253, 'a lower-case DNS name (RFC 1123)', found);
  }
  if (typeof namespace !== 'string' || namespace === '') return;
  if (info.scope === 'Cluster') found.addAt('namespace', `must not be set: ${info.kind} is cluster-scoped`);
  else checkName('namespace', namespace, label, 63, 'a DNS label', found);
};

const checkName = (field: string, name: string, pattern: string, most: number, what: string, found: Findings): void => {
  if (name.length > most) found.addAt(field, `must have at most ${most} characters`);
  else if (!matchesRe2(name, pattern)) found.addAt(field, `must be ${what}, not ${JSON.stringify(name)}`);
};

const labelValue = '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$';
const qualifiedName = '^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$';

const checkLabels = (labels: unknown, found: Findings): void => {
  for (const [key, value] of entriesOf(labels)) {
    found.enter('labels');
    if (!isQualified(key)) found.addAt(key, 'is no label key: an optional DNS name and a slash, then up to 63 letters, digits, -, _ or .');
    if (typeof value === 'string' && (value.length > 63 || !matchesRe2(value, labelValue))) {
      found.addAt(key, 'must have up to 63 letters, digits, -, _ or ., and begin and end with a letter or digit');
    }
    found.leave();
  }
};

const maxAnnotationBytes = 256 * 1024;

const checkAnnotations = (annotations: unknown, found: Findings): void => {
  let bytes = 0;
  for (const [key, value] of entriesOf(annotations)) {
    bytes += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
    if (isQualified(key.toLowerCase())) continue;
    found.enter('annotations');
    found.addAt(key, 'is no annotation key: an optional DNS name and a slash, then up to 63 letters, digits, -, _ or .');
    found.leave();
  }
  if (bytes > maxAnnotationBytes) found.addAt('annotations', `must have at most ${maxAnnotationBytes} bytes, not ${bytes}`);
};

const isQualified = (key: string): boolean => {
  const [prefix, name] = key.includes('/') ? [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)] : [undefined, key];
  if (prefix !== undefined && (prefix.length > 253 || !matchesRe2(prefix, subdomain))) return false;
  return name.length <= 63 && matchesRe2(name, qualifiedName);
};

const entriesOf = (map: unknown): readonly (readonly [string, unknown])[] => (isRecord(map) ? Object.entries(map) : []);
