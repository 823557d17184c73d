import { describe, expect, it } from 'vitest';
import { firstOf, start } from '../../test/support/simulated-call.ts';
import { initialWorld } from './initial.ts';
import { isAutoApproved, permittedTags } from './state-policy.ts';

const tailnet = {
  ...firstOf(initialWorld('test', start)),
  policy: {
    tagOwners: {
      'tag:operator': ['autogroup:admin'],
      'tag:proxy': ['tag:operator'],
      'tag:child': ['tag:proxy'],
      'tag:loop': ['tag:pool'],
      'tag:pool': ['tag:loop'],
    },
  },
};

describe('permittedTags', () => {
  it.each([
    ['exactly its own', ['tag:operator'], ['tag:operator']],
    ['one its own tag owns', ['tag:operator'], ['tag:proxy']],
    ['one owned through another tag', ['tag:operator'], ['tag:child']],
    ['several owned ones', ['tag:operator'], ['tag:proxy', 'tag:child']],
    ['its own set in another order', ['tag:operator', 'tag:proxy'], ['tag:proxy', 'tag:operator']],
  ])('lets a credential hand out %s', (_, own, wanted) => {
    expect(permittedTags(tailnet, own, wanted)).toEqual({ ok: true, value: wanted });
  });

  it.each([
    ['a part of its own set', ['tag:operator', 'tag:pool'], ['tag:operator']],
    ['a tag owned by another tag only', ['tag:proxy'], ['tag:operator']],
    ['a tag that owns itself in a circle', ['tag:operator'], ['tag:loop']],
    ['a tag the policy does not name', ['tag:ghost'], ['tag:ghost']],
    ['what is no tag', ['tag:operator'], ['operator']],
    ['what every object has', ['tag:operator'], ['constructor']],
  ])('refuses %s, naming it', (_, own, wanted) => {
    expect(permittedTags(tailnet, own, wanted)).toEqual({
      ok: false,
      problem: { status: 400, message: `requested tags [${wanted.join(' ')}] are invalid or not permitted` },
    });
  });

  it('refuses no tags at all', () => {
    expect(permittedTags(tailnet, ['tag:operator'], []).ok).toBe(false);
    expect(permittedTags(tailnet, [], []).ok).toBe(false);
  });
});

describe('isAutoApproved', () => {
  const policy = { autoApprovers: { services: { 'svc:web': ['tag:web'], 'tag:any': ['*'] } } };

  it('approves a host whose tag the policy lists for the service or for one of its tags', () => {
    expect(isAutoApproved(policy, { name: 'svc:web' }, ['tag:web'])).toBe(true);
    expect(isAutoApproved(policy, { name: 'svc:other', tags: ['tag:any'] }, [])).toBe(true);
  });

  it('leaves every other host to an admin', () => {
    expect(isAutoApproved(policy, { name: 'svc:web' }, ['tag:other'])).toBe(false);
    expect(isAutoApproved(policy, { name: 'svc:other' }, ['tag:web'])).toBe(false);
    expect(isAutoApproved({}, { name: 'svc:web' }, ['tag:web'])).toBe(false);
  });
});
