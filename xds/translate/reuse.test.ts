import { describe, expect, it } from 'vitest';
import { objectKey } from '../../src/lib/key.ts';
import { MadeWhenAsked, type Resource } from '../resources.ts';
import { reusing } from './reuse.ts';

const owners = [objectKey('Service', 'shop', 'web')];

/** A cluster whose message is made each time. */
const cluster = (connectTimeout: `${number}s`, of = owners): Resource<'Cluster'> =>
  new MadeWhenAsked<'Cluster'>('web', of, () => ({ name: 'web', connectTimeout }));

const whole = (connectTimeout: `${number}s`, parts: readonly Resource<'Cluster'>[]): Resource<'Cluster'> => ({
  name: 'web',
  message: { name: 'web', connectTimeout },
  owners,
  parts,
});

describe('a resource that is made anew', () => {
  const before = reusing<'Cluster'>(undefined, [cluster('10s')]);

  it('is the one there was, and so is the map, where it says the same', () => {
    expect(reusing(before, [cluster('10s', [...owners])])).toBe(before);
  });

  it('takes its place where its message says something else', () => {
    expect(reusing(before, [cluster('5s')]).get('web')?.message).toEqual({ name: 'web', connectTimeout: '5s' });
  });

  it('takes its place where somebody else is to be told of a rejection', () => {
    const other = [objectKey('Service', 'shop', 'other')];
    expect(reusing(before, [cluster('10s', other)]).get('web')?.owners).toBe(other);
  });

  it('is compared by its parts where it has some, without making its message', () => {
    const part = cluster('10s');
    const inParts = reusing<'Cluster'>(undefined, [whole('10s', [part])]);
    expect(reusing(inParts, [whole('5s', [part])])).toBe(inParts);
    const anew = whole('10s', [cluster('10s')]);
    expect(reusing(inParts, [anew]).get('web')).toBe(anew);
  });
});
