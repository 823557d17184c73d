import type { ShownCondition } from '../../src/model/cluster-status.ts';
import type { ObservedObject } from '../../src/sources/kubernetes/observed.ts';
import type { Occurrence } from '../events/event.ts';

/**
 * What one write of a status changes for whoever owns the object: troubles that came or have another reason now, and conditions that are
 * well again. Judged by what stood on the API server, so that nothing is told twice, by us after a restart or by another replica.
 */
export const occurrencesOf = (
  observed: ObservedObject,
  before: readonly ShownCondition[],
  after: readonly ShownCondition[],
): readonly Occurrence[] =>
  after.flatMap((condition): readonly Occurrence[] => {
    const old = before.find(({ about, type }) => about === condition.about && type === condition.type);
    const wasTrouble = old?.trouble === true;
    const said = condition.trouble ? wasTrouble && old.reason === condition.reason : !wasTrouble;
    if (said) return [];
    const { key, apiVersion, uid } = observed;
    const { about, type, reason, message } = condition;
    return [
      {
        regarding: { key, apiVersion, uid },
        type: condition.trouble ? 'Warning' : 'Normal',
        reason,
        note: about === undefined ? `${type}: ${message}` : `${about}: ${type}: ${message}`,
      },
    ];
  });
