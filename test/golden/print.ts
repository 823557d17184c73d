import { Document, isCollection, isMap, isScalar, type Node, visit } from 'yaml';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { Graph } from '../../src/model/graph.ts';
import type { Resources } from '../../xds/resources.ts';

/** A Gateway's resources as YAML for reading: every field that is set, short things on one line, no secrets. */
export const printed = (resources: Resources): string =>
  yamlOf({
    listeners: messagesOf(resources.Listener),
    routes: messagesOf(resources.RouteConfiguration),
    clusters: messagesOf(resources.Cluster),
    endpoints: messagesOf(resources.ClusterLoadAssignment),
    secrets: messagesOf(resources.Secret).map(withoutPem),
    extensions: resources.TypedExtensionConfig.size === 0 ? undefined : messagesOf(resources.TypedExtensionConfig),
  });

/** All statuses by object, as YAML. */
export const printedStatuses = (statuses: Graph['statuses']): string =>
  yamlOf(Object.fromEntries([...statuses].toSorted(([a], [b]) => byCodeUnit(a, b))));

const messagesOf = (map: ReadonlyMap<string, { readonly message: object }>): readonly object[] =>
  [...map.values()].map(({ message }) => message);

/** Private keys are left out, and so is all of a certificate but its beginning: enough to tell one from another. */
const withoutPem = (secret: object): unknown =>
  JSON.parse(
    JSON.stringify(secret, (key, value: unknown) => {
      if (key === 'privateKey') return '[redacted]';
      return key === 'inlineString' && typeof value === 'string' ? shortened(value) : value;
    }),
  );

const shortened = (pem: string): string => {
  const bodies = [...pem.matchAll(/-----BEGIN ([A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END/g)];
  return bodies.map(([, label, body = '']) => `${label} ${fingerprint(body)}`).join(', ');
};

/** The last characters of what is signed over everything before them. */
const fingerprint = (body: string): string => `…${body.replaceAll(/\s/g, '').slice(-16)}`;

const width = 180;

const yamlOf = (value: unknown): string => {
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false });
  visit(document, {
    Collection: (_, node, path) => {
      if (lengthOf(node) + 2 * path.length < width && isPlain(node)) {
        node.flow = true;
        return visit.SKIP;
      }
      return undefined;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
};

const lengthOf = (node: Node): number => JSON.stringify(node).length;

/** Deep nesting reads badly on one line, however short. */
const isPlain = (node: Node, depth = 3): boolean => {
  if (isScalar(node)) return true;
  if (depth === 0 || !isCollection(node)) return false;
  return node.items.every((item) => isPlain((isMap(node) ? (item as { value: Node }).value : item) as Node, depth - 1));
};
