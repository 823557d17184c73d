import { describe, expect, it } from 'vitest';
import type { LabelSelector } from '../../api/generated/gateway-api.ts';
import { selects } from './selector.ts';

const labels = { team: 'a', stage: 'test' };

describe('a label selector', () => {
  it.each<[string, LabelSelector | undefined, boolean]>([
    ['that is absent selects nothing', undefined, false],
    ['that is empty selects everything', {}, true],
    ['of labels selects what has them all', { matchLabels: { team: 'a', stage: 'test' } }, true],
    ['of labels leaves out what lacks one', { matchLabels: { team: 'a', zone: 'x' } }, false],
    ['In selects one of its values', { matchExpressions: [{ key: 'team', operator: 'In', values: ['a', 'b'] }] }, true],
    ['In leaves out what lacks the label', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }, false],
    ['NotIn selects what lacks the label', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    ['NotIn leaves out its values', { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] }, false],
    ['Exists selects what has the label', { matchExpressions: [{ key: 'team', operator: 'Exists' }] }, true],
    ['DoesNotExist leaves out what has the label', { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, false],
    ['with an operator nobody knows selects nothing', { matchExpressions: [{ key: 'team', operator: 'Near', values: ['a'] }] }, false],
    [
      'wants labels and expressions alike',
      { matchLabels: { team: 'a' }, matchExpressions: [{ key: 'stage', operator: 'DoesNotExist' }] },
      false,
    ],
  ])('%s', (_, selector, selected) => {
    expect(selects(selector, labels)).toBe(selected);
  });
});
