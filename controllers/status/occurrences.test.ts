import { describe, expect, it } from 'vitest';
import { isTrouble, type ShownCondition } from '../../src/model/cluster-status.ts';
import type { ObservedObject } from '../../src/sources/kubernetes/observed.ts';
import { occurrencesOf } from './occurrences.ts';

const observed: ObservedObject = {
  key: 'HTTPRoute/default/shop',
  apiVersion: 'gateway.networking.k8s.io/v1',
  uid: 'uid',
  resourceVersion: '1',
  generation: 1,
  status: undefined,
};

const saying = (status: 'True' | 'False' | 'Unknown', reason: string, about?: string): ShownCondition => ({
  type: 'Accepted',
  status,
  reason,
  message: 'because',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  ...(about === undefined ? {} : { about }),
  trouble: isTrouble({ type: 'Accepted', status }),
});

const told = (before: readonly ShownCondition[], after: readonly ShownCondition[]): readonly string[] =>
  occurrencesOf(observed, before, after).map(({ type, reason, note }) => `${type} ${reason} ${note}`);

describe('what a write of a status tells', () => {
  it('trouble as it comes, with the parent it is about', () => {
    expect(told([], [saying('False', 'NoMatchingParent', 'Gateway/edge')])).toEqual([
      'Warning NoMatchingParent Gateway/edge: Accepted: because',
    ]);
    expect(told([saying('True', 'Accepted')], [saying('False', 'Invalid')])).toEqual(['Warning Invalid Accepted: because']);
  });

  it('that it is well again, also after a wait', () => {
    expect(told([saying('False', 'Invalid')], [saying('True', 'Accepted')])).toEqual(['Normal Accepted Accepted: because']);
    expect(told([saying('Unknown', 'Pending')], [saying('True', 'Accepted')])).toEqual(['Normal Accepted Accepted: because']);
  });

  it('another reason of the same trouble', () => {
    expect(told([saying('False', 'Invalid')], [saying('False', 'Pending')])).toEqual(['Warning Pending Accepted: because']);
  });

  it('nothing where all was and is well, or where the same trouble stands', () => {
    expect(told([], [saying('True', 'Accepted')])).toEqual([]);
    expect(told([saying('False', 'Invalid')], [{ ...saying('False', 'Invalid'), message: 'of 3 now' }])).toEqual([]);
  });

  it('trouble with one parent whatever another one says', () => {
    const before = [saying('False', 'Invalid', 'Gateway/a')];
    expect(told(before, [...before, saying('False', 'Invalid', 'Gateway/b')])).toEqual(['Warning Invalid Gateway/b: Accepted: because']);
  });
});
