import type { Known } from '../known.ts';
import { explainRequest } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { requestFrom } from './request.ts';
import { explainRoute, routeKeyFrom } from './route.ts';
import { worldOf } from './world.ts';

export type Question = {
  /** A URL, or `HTTPRoute/namespace/name` (any route kind). */
  readonly target: string;
  readonly method: string;
  /** `name: value` each. */
  readonly headers: readonly string[];
  readonly gateway?: string;
};

/** What happens to a request, or where a route is served; a string says what is wrong with the question. */
export const explainTarget = (
  known: Pick<Known, 'graph' | 'state'>,
  { target, method, headers, gateway }: Question,
): Explanation | string => {
  const route = routeKeyFrom(target);
  if (route !== undefined) return explainRoute(worldOf(known), route, gateway);
  const request = requestFrom(target, method, headers);
  return typeof request === 'string' ? request : explainRequest(worldOf(known), target, request, gateway);
};
