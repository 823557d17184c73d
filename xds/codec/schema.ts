import { existsSync, readFileSync } from 'node:fs';
import pb from 'protobufjs/light.js';

// From a checkout this file is xds/codec/schema.ts, from the package dist/xds/codec/schema.js; proto/ lies beside xds/ or beside dist/.
const places = ['../../proto/envoy.json', '../../../proto/envoy.json'];

/** Read again where the collector took it: what is sent all the time is in `used` soon. */
let bundled: WeakRef<pb.INamespace> | undefined;
let whole: pb.Root | undefined;
const used = new pb.Root();
const types = new Map<string, pb.Type>();

/** The Envoy API, read on first use and kept: about 0.3 s of CPU and 60 MB. Throws when the package lacks its bundle. */
export const schema = (): pb.Root => {
  if (whole) return whole;
  whole = pb.Root.fromJSON(bundle());
  whole.resolveAll();
  return whole;
};

/**
 * A message type of the Envoy API with those it refers to, which is a fifth of it for all that we send: types inside an Any are referred to by
 * nothing, and added when they are asked for. Undefined when there is none of that name. Throws when the package lacks its bundle.
 */
export const typeNamed = (name: string): pb.Type | undefined => {
  const known = types.get(name);
  if (known) return known;
  const pending = [name];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) pending.push(...add(next));
  const found = used.resolveAll().lookup(name, pb.Type);
  if (!(found instanceof pb.Type)) return undefined;
  types.set(name, found);
  return found;
};

const bundle = (): pb.INamespace => {
  const known = bundled?.deref();
  if (known) return known;
  const url = places.map((place) => new URL(place, import.meta.url)).find((candidate) => existsSync(candidate));
  if (!url) throw new Error(`proto/envoy.json is not where the package keeps it (looked from ${import.meta.url})`);
  const read = JSON.parse(readFileSync(url, 'utf8')) as pb.INamespace;
  bundled = new WeakRef(read);
  return read;
};

type Part = Partial<pb.INamespace & pb.IType & pb.IEnum>;

/** Adds what is declared under the name, or what that is nested in, unless it is there; gives the names it refers to. */
const add = (name: string): readonly string[] => {
  const path = name.split('.').filter((step) => step !== '');
  let part: Part | undefined = bundle();
  for (const [depth, step] of path.entries()) {
    part = part?.nested?.[step];
    if (part?.fields === undefined && part?.values === undefined) continue;
    const outermost = path.slice(0, depth);
    if (used.lookup([...outermost, step]) !== null) return [];
    used.define(outermost).addJSON({ [step]: part });
    return referredToBy(part);
  }
  return [];
};

const referredToBy = ({ fields = {}, nested = {} }: Part): readonly string[] => [
  ...Object.values(fields).flatMap(({ type }) => (type.startsWith('.') ? [type] : [])),
  ...Object.values(nested).flatMap((inner) => referredToBy(inner as Part)),
];
