import { describe, expect, it } from 'vitest';
import { ApiError, UnreachableError } from '../../src/kubernetes/api-error.ts';
import { TailscaleApiError, type TailscaleErrorFacts } from '../../src/tailscale/api-error.ts';
import { ForeignObjectError, TerminalError } from '../runtime/errors.ts';
import { Hindrance, TailnetError, verdictOn } from './failure.ts';

const refused = (facts: Partial<TailscaleErrorFacts>): TailnetError =>
  new TailnetError(new TailscaleApiError({ call: 'createAuthKey', kind: 'invalid', status: 400, said: 'no', ...facts }), 'corp', {
    tags: ['tag:a', 'tag:b'],
  });

describe('verdictOn', () => {
  it.each([
    ['TagsNotOwned', { status: 400, said: 'requested tags are invalid or not permitted' }],
    ['TagsNotOwned', { kind: 'scopes', status: 403, said: 'tag:a is not owned' }],
    ['MissingScopes', { kind: 'scopes', status: 403, said: 'not enough permissions' }],
    ['CredentialsRefused', { call: 'token', kind: 'credentials', status: 401 }],
    ['Billing', { kind: 'billing', status: 402 }],
    ['ApiUnreachable', { kind: 'rate-limited', status: 429 }],
    ['ApiUnreachable', { kind: 'server', status: 502 }],
    ['ApiUnreachable', { kind: 'unreachable', status: 0 }],
    ['KeyRefused', { kind: 'invalid', status: 400 }],
    ['KeyRefused', { kind: 'not-found', status: 404 }],
    ['ApiRefused', { call: 'deleteDevice', kind: 'conflict', status: 409 }],
  ] satisfies readonly (readonly [string, Partial<TailscaleErrorFacts>])[])('tells %s of %j, and names the tailnet', (reason, facts) => {
    const verdict = verdictOn(refused(facts));
    expect(verdict?.reason).toBe(reason);
    expect(verdict?.message).toContain('TailscaleTailnet corp');
  });

  it('names the tags that may not be given', () => {
    expect(verdictOn(refused({ said: 'bad tags' }))?.message).toContain('tag:a, tag:b');
  });

  it('tells of the cluster what users can do something about, and nothing of a lost race', () => {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'b' } };
    expect(verdictOn(new ForeignObjectError(object))).toMatchObject({ reason: 'NameTaken' });
    expect(verdictOn(new TerminalError('StatefulSet b/a: bad'))).toMatchObject({ reason: 'Invalid', message: 'StatefulSet b/a: bad' });
    expect(verdictOn(new Hindrance({ reason: 'TailnetNotReady', message: 'm' }))).toEqual({ reason: 'TailnetNotReady', message: 'm' });
    expect(verdictOn(new ApiError('GET /x', 409, {}))).toBeUndefined();
    expect(verdictOn(new ApiError('GET /x', 403, { message: 'not you' }))).toMatchObject({ reason: 'ClusterFailed' });
    expect(verdictOn(new UnreachableError('GET /x', new Error('x')))).toMatchObject({ reason: 'ClusterFailed' });
  });
});
