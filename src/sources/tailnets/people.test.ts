import { describe, expect, it } from 'vitest';
import { displayNamesFrom, groupsFrom } from './people.ts';

describe('groups', () => {
  it('have members in lower case, once each and sorted', () => {
    expect(groupsFrom({ 'group:dev': ['Bob@example.com', 'ann@example.com', 'bob@example.com'] }, undefined)).toEqual(
      new Map([['group:dev', ['ann@example.com', 'bob@example.com']]]),
    );
  });

  it('are only what is called so', () => {
    expect(groupsFrom({ dev: ['ann'], 'tag:dev': ['ann'] }, undefined)).toEqual(new Map());
  });

  it('are the same object while nothing changes', () => {
    const before = groupsFrom({ 'group:dev': ['ann'] }, undefined);
    expect(groupsFrom({ 'group:dev': ['Ann'] }, before)).toBe(before);
    expect(groupsFrom({ 'group:dev': ['ann', 'bob'] }, before)).not.toBe(before);
  });
});

describe('display names', () => {
  it('are of those who have one that is not their login name', () => {
    const users = [
      { loginName: 'Ann@example.com', displayName: 'Ann Ångström' },
      { loginName: 'bob@example.com', displayName: 'bob@example.com' },
      { loginName: 'cat@example.com', displayName: '' },
    ];
    expect(displayNamesFrom(users, undefined)).toEqual(new Map([['ann@example.com', 'Ann Ångström']]));
  });

  it('are the same object while nothing changes', () => {
    const users = [{ loginName: 'ann@example.com', displayName: 'Ann' }];
    const before = displayNamesFrom(users, undefined);
    expect(displayNamesFrom(users, before)).toBe(before);
  });
});
