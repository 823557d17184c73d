import type { Kind, KindMap } from './kinds.ts';

/** All objects of one moment by kind, then by `namespace/name`. A kind whose objects did not change keeps its map's identity. */
export type Objects = { readonly [K in Kind]: ReadonlyMap<string, KindMap[K]> };
