import type { RouteKind } from '../route-node.ts';
import type { Attached } from './attach.ts';
import { coversOf } from './hostnames.ts';

/** Which hosts of one listener are already held, by kind of route: HTTPRoutes and GRPCRoutes may not have hosts that meet. */
export type HeldHosts = {
  readonly holderOf: (attached: Attached) => Attached | undefined;
  readonly hold: (attached: Attached) => void;
};

/** Looks a host up in time that grows with its labels only, for listeners with thousands of routes. */
export const heldHosts = (): HeldHosts => {
  const kinds = new Map<RouteKind, Index>();
  return {
    holderOf: ({ node, hosts }) => {
      for (const [kind, index] of kinds) {
        if (kind === node.kind) continue;
        for (const host of hosts.keys()) {
          const holder =
            index.below.get(host) ??
            coversOf(host)
              .map((cover) => index.exact.get(cover))
              .find((found) => found !== undefined);
          if (holder !== undefined) return holder;
        }
      }
      return undefined;
    },
    hold: (attached) => {
      const index: Index = kinds.get(attached.node.kind) ?? { exact: new Map(), below: new Map() };
      kinds.set(attached.node.kind, index);
      for (const host of attached.hosts.keys()) {
        if (!index.exact.has(host)) index.exact.set(host, attached);
        for (const cover of coversOf(host)) if (!index.below.has(cover)) index.below.set(cover, attached);
      }
    },
  };
};

/** Routes by each host they have, and by every name that covers one of theirs; the first to come is named. */
type Index = { readonly exact: Map<string, Attached>; readonly below: Map<string, Attached> };
