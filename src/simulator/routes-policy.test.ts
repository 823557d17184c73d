import { describe, expect, it } from 'vitest';
import { callerOf, firstOf } from '../../test/support/simulated-call.ts';

const acl = '/tailnet/-/acl';
const json = { headers: { accept: 'application/json' } };

describe('the policy file', () => {
  it('is JSON or HuJSON as asked, under one version', () => {
    const { call } = callerOf();
    const [asJson, asText] = [call('GET', acl, undefined, json), call('GET', acl)];
    expect(JSON.parse(String(asJson.body))).toHaveProperty('tagOwners');
    expect(asText.headers).toMatchObject({ 'content-type': 'application/hujson', etag: asJson.headers?.['etag'] });
    expect(asJson.headers).not.toHaveProperty('content-type');
    const { acl: encoded } = call('GET', `${acl}?details=true`).body as { readonly acl: string };
    expect(Buffer.from(encoded, 'base64').toString()).toBe(asText.body);
  });

  it('is obeyed once it is set, and keeps sections nobody here knows', () => {
    const { call, world } = callerOf();
    const text = '{"tagOwners": {"tag:new": ["tag:k8s-operator"],}, /* ours */ "future": [1]}';
    const reply = call('POST', acl, text, { headers: { 'content-type': 'application/hujson' } });
    expect(reply.status).toBe(200);
    expect(firstOf(world()).policy).toEqual({ tagOwners: { 'tag:new': ['tag:k8s-operator'] }, future: [1] });
    expect(call('PUT', '/tailnet/-/vip-services/svc:a', { tags: ['tag:new'] }).status).toBe(200);
    expect(call('PUT', '/tailnet/-/vip-services/svc:b', { tags: ['tag:k8s'] }).status).toBe(400);
  });

  it('is only overwritten by whoever has seen the present version', () => {
    const { call } = callerOf();
    const etag = call('GET', acl).headers?.['etag'] ?? '';
    const set = (match: string, policy: unknown) => call('POST', acl, policy, { headers: { 'if-match': match } }).status;
    expect(set('"ts-default"', { a: 1 })).toBe(200);
    expect([set(etag, { a: 2 }), set('"ts-default"', { a: 2 })]).toEqual([412, 412]);
    expect(set(call('GET', acl).headers?.['etag'] ?? '', { a: 2 })).toBe(200);
  });

  it('is refused when a section has the wrong shape, and validation says so with 200', () => {
    const { call } = callerOf();
    expect(call('POST', acl, { tagOwners: [] }).status).toBe(400);
    expect(call('POST', `${acl}/validate`, { tagOwners: [] })).toMatchObject({ status: 200, body: { message: expect.any(String) } });
    expect(call('POST', `${acl}/validate`, {})).toEqual({ status: 200, body: {} });
  });
});
