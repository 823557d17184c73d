import type { Kind } from '../../api/kinds.ts';
import { isRecord } from './plain.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `stringData` is a convenience of writing: it wins over `data`, and nobody ever reads it. */
const withStringData = ({ stringData, data, ...rest }: Fields): Fields => {
  if (!isRecord(stringData)) return data === undefined ? rest : { ...rest, data };
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(String(value), 'utf8').toString('base64')]);
  return { ...rest, data: { ...(isRecord(data) ? data : {}), ...Object.fromEntries(encoded) } };
};

const withTargetPorts = (service: Fields): Fields => {
  const { spec } = service;
  if (!isRecord(spec) || !Array.isArray(spec['ports'])) return service;
  const ports = spec['ports'].map((port: unknown) => (isRecord(port) ? { ...port, targetPort: port['targetPort'] || port['port'] } : port));
  return { ...service, spec: { ...spec, ports } };
};

/** What namespace selectors by name rest on. */
const withNameLabel = (namespace: Fields): Fields => {
  const { metadata } = namespace;
  if (!isRecord(metadata)) return namespace;
  const labels = isRecord(metadata['labels']) ? metadata['labels'] : {};
  return { ...namespace, metadata: { ...metadata, labels: { ...labels, 'kubernetes.io/metadata.name': metadata['name'] } } };
};

/** Before v1, a TLSRoute without hostnames stood for all of them. */
const withHostnames = (route: Fields): Fields => {
  const { spec } = route;
  return isRecord(spec) && spec['hostnames'] === undefined ? { ...route, spec: { ...spec, hostnames: [] } } : route;
};

const conversions: Partial<Record<Kind, (object: Fields, version: string) => Fields>> = {
  Secret: withStringData,
  Service: withTargetPorts,
  Namespace: withNameLabel,
  TLSRoute: (object, version) => (version === 'v1alpha2' ? withHostnames(object) : object),
};

/** What the API server does to an object beyond its schema: defaults that depend on other fields, and write-only fields. */
export const convert = (kind: Kind, version: string, object: Fields): Fields => conversions[kind]?.(object, version) ?? object;
