import type { Known } from '../known.ts';
import { explainRequest } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { requestFrom } from './request.ts';
import { explainRoute, routeKeyFrom } from './route.ts';
import { tailnetPaths } from './tailnet-request.ts';
import { worldOf } from './world.ts';

export type Question = {
  /** A URL, or `HTTPRoute/namespace/name` (any route kind). */
  readonly target: string;
  readonly method: string;
  /** `name: value` each. */
  readonly headers: readonly string[];
  readonly gateway?: string;
  /** The peer of a tailnet that asks: its name or address. */
  readonly peer?: string;
};

/** What happens to a request, or where a route is served; a string says what is wrong with the question. */
export const explainTarget = (
  known: Pick<Known, 'graph' | 'state'>,
  { target, method, headers, gateway, peer }: Question,
): Explanation | string => {
  const world = worldOf(known);
  const route = routeKeyFrom(target);
  if (route !== undefined) return explainRoute(world, route, gateway, peer);
  const request = requestFrom(target, method, headers);
  if (typeof request === 'string') return request;
  const paths = tailnetPaths(world, request, { only: gateway, peer });
  if (paths.length > 0) return { target, paths };
  if (peer !== undefined)
    return `${request.serverName} is no name or address of a Tailscale Service of a Gateway here; --peer is for those`;
  return explainRequest(world, target, request, gateway);
};
