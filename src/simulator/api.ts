import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { refuse, replyFrom } from './reply.ts';
import type { Refusal, Reply, Route } from './reply.ts';
import { plainJson } from './hujson.ts';
import { deviceRoutes } from './routes-devices.ts';
import { keyRoutes } from './routes-keys.ts';
import { answerTokenRequest, basicCredentials } from './routes-oauth.ts';
import { policyRoutes } from './routes-policy.ts';
import { serviceRoutes } from './routes-services.ts';
import { settingsRoutes } from './routes-settings.ts';
import { userRoutes } from './routes-users.ts';
import { jsonOf, routeFor } from './routing.ts';
import type { Request } from './routing.ts';
import { authenticate, covers } from './state-credentials.ts';
import { withTailnet } from './state.ts';
import type { Grant, Tailnet, World } from './state.ts';

const routes: readonly Route[] = [...deviceRoutes, ...keyRoutes, ...serviceRoutes, ...policyRoutes, ...settingsRoutes, ...userRoutes];

/** One call to Tailscale's API: the answer, and the world after it. Every error is an answer. Checked in order: path, method, token, tailnet, scopes, body. */
export const step = (world: World, request: Request): { readonly world: World; readonly reply: Reply } => {
  const done = answer(world, request);
  return done.ok ? done.value : { world, reply: replyFrom(done.problem) };
};

const answer = (world: World, request: Request): Result<{ readonly world: World; readonly reply: Reply }, Refusal> => {
  const { method, headers, query, now } = request;
  if (!request.path.startsWith('/api/v2/')) return refuse(404, '404 page not found');
  const path = request.path.slice('/api/v2'.length);
  if (method === 'POST') {
    const granted = answerTokenRequest(world, {
      path,
      authorization: headers['authorization'],
      form: new URLSearchParams(request.body),
      now,
    });
    if (granted !== undefined) return ok(granted);
  }
  const found = routeFor(routes, method, path);
  if (!found.ok) return found;
  const { params } = found.value;
  const [, , scopes, handler] = found.value.route;
  const access = admit(world, headers['authorization'], params['tailnet'], scopes, now);
  if (!access.ok) return access;
  const body = jsonOf(/^application\/hujson/i.test(headers['content-type'] ?? '') ? plainJson(request.body) : request.body);
  if (!body.ok) return body;
  const result = handler(access.value.tailnet, { params, query, headers, body: body.value, grant: access.value.grant, now });
  if (!result.ok) return result;
  const { tailnet: after, ...reply } = result.value;
  return ok({ world: after === undefined ? world : withTailnet(world, after), reply: { status: 200, ...reply } });
};

/** Who calls, and on which tailnet: `-` is the one the credential belongs to, and no other can be named. */
const admit = (
  world: World,
  authorization: string | undefined,
  named: string | undefined,
  scopes: readonly string[],
  now: number,
): Result<{ readonly tailnet: Tailnet; readonly grant: Grant }, Refusal> => {
  const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? basicCredentials(authorization)?.[0] ?? '';
  const access = authenticate(world, token, now);
  if (!access.ok) return access;
  const { tailnet, grant } = access.value;
  if (named !== undefined && !['-', tailnet.id, tailnet.name].includes(named)) return refuse(404, 'tailnet not found');
  if (scopes.some((scope) => !covers(grant.scopes, scope)))
    return fail({ status: 403, message: 'calling actor does not have enough permissions to perform this function' });
  return access;
};
