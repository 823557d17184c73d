import type { HTTPCORSFilter } from '../../api/generated/gateway-api.ts';
import type { Cors } from '../graph.ts';

/** What a CORS filter allows. Methods that browsers always may use (`GET`, `HEAD`, `POST`) are not added to the list: they need no leave. */
export const corsFrom = (filter: HTTPCORSFilter): Cors => ({
  allowOrigins: filter.allowOrigins ?? [],
  allowCredentials: filter.allowCredentials ?? false,
  allowMethods: filter.allowMethods ?? [],
  allowHeaders: filter.allowHeaders ?? [],
  exposeHeaders: filter.exposeHeaders ?? [],
  maxAgeSeconds: filter.maxAge,
});
