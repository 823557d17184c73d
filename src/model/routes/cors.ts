import type { Cors } from '../graph.ts';

/** As HTTPRoutes and TailscaleRoutePolicies write it. */
type Written = {
  readonly allowOrigins?: readonly string[];
  readonly allowCredentials?: boolean;
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge: number;
};

/** What a CORS filter allows. Methods that browsers always may use (`GET`, `HEAD`, `POST`) are not added to the list: they need no leave. */
export const corsFrom = (filter: Written): Cors => ({
  allowOrigins: filter.allowOrigins ?? [],
  allowCredentials: filter.allowCredentials ?? false,
  allowMethods: filter.allowMethods ?? [],
  allowHeaders: filter.allowHeaders ?? [],
  exposeHeaders: filter.exposeHeaders ?? [],
  maxAgeSeconds: filter.maxAge,
});
