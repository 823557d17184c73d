import { byCodeUnit } from '../../src/lib/key.ts';
import type { HttpMatch, Identities, ValueMatch } from '../../src/model/graph.ts';
import { peerMetadata } from '../names.ts';
import type { HeaderMatcher, MetadataMatcher, QueryParameterMatcher, RouteMatch, StringMatcher } from '../types.ts';
import { unlessEmpty } from './unless-empty.ts';

/** Gateway API `HTTPRouteMatch`: everything must match. `headers` are asked for besides. */
export const routeMatchFrom = (match: HttpMatch, headers: readonly HeaderMatcher[] = []): RouteMatch => ({
  ...pathFrom(match.path),
  headers: unlessEmpty([...methodFrom(match), ...match.headers.toSorted(byName).map(headerFrom), ...headers]),
  queryParameters: unlessEmpty(match.queryParams.toSorted(byName).map(queryParameterFrom)),
  grpc: match.grpc ? {} : undefined,
  dynamicMetadata: unlessEmpty((match.peers ?? []).flatMap(peerMatchesFrom)),
});

/**
 * What the identity tables wrote of a peer; nothing matches where they wrote nothing. They come after Envoy has looked for a route, and make it look again.
 */
const peerMatchesFrom = ({ users, groups, tags, nodes }: Identities): readonly MetadataMatcher[] => [
  ...saidFrom(
    'user',
    users.map((user) => ({ exact: user, ignoreCase: true })),
  ),
  ...saidFrom(
    'groups',
    groups.map((group) => ({ contains: `,${group},` })),
  ),
  ...saidFrom(
    'tags',
    tags.map((tag) => ({ contains: `,${tag},` })),
  ),
  ...saidFrom(
    'names',
    nodes.map((node) => ({ contains: `,${node},`, ignoreCase: true })),
  ),
];

/** One of these. Envoy wants no list of one. */
const saidFrom = (key: string, matches: readonly StringMatcher[]): readonly MetadataMatcher[] => {
  const values = matches.map((stringMatch) => ({ stringMatch }));
  const [only, ...others] = values;
  if (only === undefined) return [];
  return [{ filter: peerMetadata, path: [{ key }], value: others.length === 0 ? only : { orMatch: { valueMatchers: values } } }];
};

const pathFrom = ({ type, value }: HttpMatch['path']): RouteMatch => {
  if (type === 'exact') return { path: value };
  if (type === 'regex') return { safeRegex: { regex: value } };
  // A separated prefix ends at a slash or the end of the path; '/' alone is no prefix of that kind, and matches everything as a plain one.
  return value === '/' ? { prefix: '/' } : { pathSeparatedPrefix: value };
};

const methodFrom = ({ method }: HttpMatch): readonly HeaderMatcher[] =>
  method === undefined ? [] : [{ name: ':method', stringMatch: { exact: method } }];

const headerFrom = (match: ValueMatch): HeaderMatcher => ({ name: match.name, stringMatch: stringFrom(match) });

const queryParameterFrom = (match: ValueMatch): QueryParameterMatcher => ({ name: match.name, stringMatch: stringFrom(match) });

const stringFrom = ({ type, value }: ValueMatch): StringMatcher => (type === 'exact' ? { exact: value } : { safeRegex: { regex: value } });

const byName = (a: ValueMatch, b: ValueMatch): number => byCodeUnit(a.name, b.name);
