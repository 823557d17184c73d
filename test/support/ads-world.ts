/** Small made-up configurations for protocol tests: resources whose content says what they refer to, without any Envoy message. */
import { CDS, ECDS, EDS, LDS, RDS, SRDS } from '../../xds/ads/types.ts';
import { type EncodedResource, encodedFrom } from '../../xds/snapshot/encoded.ts';
import { type Snapshot, snapshotFrom } from '../../xds/snapshot/snapshot.ts';

/** What a test resource says: which names it refers to, and whether clients reject it. */
export type Content = { readonly refs: readonly string[]; readonly salt: number; readonly bad: boolean };

const contents = new Map<string, Content>();

/** A resource of a type whose content is `content`; equal content is an equal version. EDS clusters refer to their endpoints. */
export const resource = (typeUrl: string, name: string, { refs = [], salt = 0, bad = false }: Partial<Content> = {}): EncodedResource => {
  const content = { refs, salt, bad };
  const bytes = Buffer.from(`${name}\0${JSON.stringify(content)}`);
  const made = encodedFrom(typeUrl, name, bytes, [], typeUrl === CDS ? refs[0] : undefined);
  contents.set(`${name}@${made.version}`, content);
  return made;
};

export const contentOf = ({ name, version }: { readonly name: string; readonly version: string }): Content =>
  contents.get(`${name}@${version}`) ?? { refs: [], salt: 0, bad: false };

/** An EDS cluster. */
export const cluster = (name: string, content: Partial<Content> = {}): EncodedResource => resource(CDS, name, { refs: [name], ...content });
export const endpoints = (name: string, content: Partial<Content> = {}): EncodedResource => resource(EDS, name, content);
/** A listener with one route configuration of the given name. */
export const listener = (name: string, routes: string, content: Partial<Content> = {}): EncodedResource =>
  resource(LDS, name, { refs: [routes], ...content });
export const routes = (name: string, clusters: readonly string[], content: Partial<Content> = {}): EncodedResource =>
  resource(RDS, name, { refs: clusters, ...content });

/** A scope that leads to the routes of its name. */
export const scope = (name: string): EncodedResource => resource(SRDS, name, { refs: [name] });

/** A filter that listeners look for by its name. */
export const extension = (name: string, content: Partial<Content> = {}): EncodedResource => resource(ECDS, name, content);

export type World = {
  readonly clusters?: readonly EncodedResource[];
  readonly endpoints?: readonly EncodedResource[];
  readonly extensions?: readonly EncodedResource[];
  readonly scopes?: readonly EncodedResource[];
  readonly listeners?: readonly EncodedResource[];
  readonly routes?: readonly EncodedResource[];
};

export const snapshot = (
  { clusters = [], endpoints = [], extensions = [], scopes = [], listeners = [], routes = [] }: World,
  previous?: Snapshot,
): Snapshot =>
  snapshotFrom(
    new Map([
      [CDS, clusters],
      [EDS, endpoints],
      [ECDS, extensions],
      [SRDS, scopes],
      [LDS, listeners],
      [RDS, routes],
    ]),
    previous,
  );
