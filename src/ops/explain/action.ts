import type { HttpRule, PathRewrite, Redirect, RouteEntry } from '../../model/graph.ts';
import { backendSteps } from './backend.ts';
import type { Path, Step } from './explanation.ts';
import { identitySteps } from './identity.ts';
import { gatewayName, type Place } from './place.ts';
import { policySteps, withheldText } from './policies.ts';
import { refusals } from './troubles.ts';
import type { World } from './world.ts';

/** What the matched entry does with the request. */
export const actionPath = (
  place: Place,
  before: readonly Step[],
  entry: RouteEntry,
  passedOver: Path['passedOver'],
  world: World,
): Path => {
  const { rule, owner, id, ruleName } = entry;
  const gateway = gatewayName(place);
  const matched: Step = {
    at: 'route',
    name: id,
    detail: matchText(entry) + (ruleName === undefined ? '' : `, rule ${ruleName}`),
    object: owner,
  };
  const identity = identitySteps(rule.identities, place.asker);
  const asked = [...before, matched, ...identity.steps, ...policySteps(place, entry, world)];
  if (identity.refused !== undefined && !rule.blocked) {
    const detail = `answered with 403: ${identity.refused}`;
    return { gateway, outcome: 'answered', status: 403, steps: [...asked, { at: 'identity', name: '', detail }], passedOver };
  }
  const steps = [...asked, ...filterSteps(rule)];
  switch (rule.action.kind) {
    case 'redirect':
      return {
        gateway,
        outcome: 'redirected',
        status: rule.action.redirect.statusCode,
        steps: [...steps, { at: 'filter', name: 'redirect', detail: redirectText(rule.action.redirect) }],
        passedOver,
      };
    case 'respond': {
      const said = refusals(world.graph, owner).map((message) => `: ${message}`);
      const invalid = `no backend is valid, or a filter cannot be honoured${said.length === 0 ? ': see the route’s conditions' : said.join('')}`;
      const why = rule.action.status === 500 ? invalid : rule.blocked ? withheldText : 'fixed answer';
      return {
        gateway,
        outcome: 'answered',
        status: rule.action.status,
        steps: [...steps, { at: 'backend', name: '', detail: `answered with ${rule.action.status}: ${why}` }],
        passedOver,
      };
    }
    case 'forward': {
      const backends = backendSteps({ owner, shares: rule.action.shares, without: 'answered with 500' }, world);
      const all = [...steps, ...backends.steps];
      if (backends.reachable) return { gateway, outcome: 'forwarded', steps: all, passedOver };
      return { gateway, outcome: 'answered', status: backends.valid ? 503 : 500, steps: all, passedOver };
    }
  }
};

const matchText = ({ match: { path, method, headers, queryParams, grpc } }: RouteEntry): string =>
  [
    `path ${path.type} ${path.value}`,
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(({ name, type, value }) => `header ${name} ${type} ${value}`),
    ...queryParams.map(({ name, type, value }) => `query ${name} ${type} ${value}`),
    ...(grpc ? ['gRPC'] : []),
  ].join(', ');

/** Everything that stands between match and backend, in words; nothing where nothing does. */
const filterSteps = (rule: HttpRule): readonly Step[] => {
  const texts: readonly (readonly [string, string])[] = [
    ...changesText('request headers', rule.requestHeaders),
    ...changesText('response headers', rule.responseHeaders),
    ...(rule.cors === undefined ? [] : [['CORS', `origins ${rule.cors.allowOrigins.join(', ')}`] as const]),
    ...(rule.externalAuth === undefined
      ? []
      : [['external auth', `${rule.externalAuth.protocol} ${rule.externalAuth.backend.id}`] as const]),
    ...(rule.rewrite === undefined ? [] : [['rewrite', rewriteText(rule.rewrite)] as const]),
    ...rule.mirrors.map(({ backend, numerator, denominator }) => ['mirror', `${numerator}/${denominator} to ${backend.id}`] as const),
    ...(rule.requestTimeoutMs ? [['timeout', `request ${rule.requestTimeoutMs} ms`] as const] : []),
    ...(rule.backendTimeoutMs ? [['timeout', `backend ${rule.backendTimeoutMs} ms`] as const] : []),
    ...(rule.retry === undefined ? [] : [['retry', `${rule.retry.attempts} times`] as const]),
    ...(rule.sessionPersistence === undefined
      ? []
      : [['session', `${rule.sessionPersistence.type} ${rule.sessionPersistence.name}`] as const]),
  ];
  return texts.map(([name, detail]) => ({ at: 'filter', name, detail }));
};

const changesText = (name: string, { set, add, remove }: HttpRule['requestHeaders']): readonly (readonly [string, string])[] => {
  const parts = [
    ...set.map((header) => `set ${header.name}`),
    ...add.map((header) => `add ${header.name}`),
    ...remove.map((header) => `remove ${header}`),
  ];
  return parts.length === 0 ? [] : [[name, parts.join(', ')]];
};

const rewriteText = ({ hostname, path }: NonNullable<HttpRule['rewrite']>): string =>
  [...(hostname === undefined ? [] : [`host ${hostname}`]), ...(path === undefined ? [] : [pathText(path)])].join(', ');

const redirectText = ({ scheme, hostname, port, path, statusCode }: Redirect): string =>
  [
    `${statusCode}`,
    ...(scheme === undefined ? [] : [`scheme ${scheme}`]),
    ...(hostname === undefined ? [] : [`host ${hostname}`]),
    ...(port === undefined ? [] : [`port ${port}`]),
    ...(path === undefined ? [] : [pathText(path)]),
  ].join(', ');

const pathText = ({ type, value }: PathRewrite): string =>
  type === 'full' ? `path ${value}` : `matched prefix becomes ${value === '' ? '/' : value}`;
