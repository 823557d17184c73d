import { differingKeys } from '../lib/changed-map.ts';
import type { ObjectKey } from '../lib/key.ts';
import type { Status } from '../model/status.ts';
import { isTrouble, statusAt, type StatusWithTimes, statusWithTimes, type Times } from '../model/cluster-status.ts';

/** Something a condition began to say, or ceased to. */
export type StatusChange = {
  readonly object: ObjectKey;
  readonly trouble: boolean;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
};

/** Of what is shown only this is kept, as there is one for each of thousands of routes and few are asked for. */
type Entry = { readonly of: Status; readonly times: Times };

/** The statuses of all objects over time: remembers when each condition last changed. */
export class StatusBook {
  #of: ReadonlyMap<ObjectKey, Status> = new Map();
  readonly #entries = new Map<ObjectKey, Entry>();

  /** Takes the statuses of now. Gives troubles that came, and conditions that are well again; unchanged statuses cost a comparison. */
  update(statuses: ReadonlyMap<ObjectKey, Status>, now: Date): readonly StatusChange[] {
    const changes: StatusChange[] = [];
    const time = `${now.toISOString().slice(0, 19)}Z`;
    for (const key of differingKeys(this.#of, statuses)) {
      const status = statuses.get(key);
      if (status === undefined) {
        this.#entries.delete(key);
        continue;
      }
      const before = this.#entries.get(key);
      const last = before === undefined ? undefined : shown(before);
      const next = statusWithTimes(status, time, last);
      this.#entries.set(key, { of: status, times: next.conditions.map(({ lastTransitionTime }) => lastTransitionTime) });
      changes.push(...changesBetween(key, last, next));
    }
    this.#of = statuses;
    return changes;
  }

  get(key: ObjectKey): StatusWithTimes | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : shown(entry);
  }
}

const shown = ({ of, times }: Entry): StatusWithTimes => statusAt(of, times);

const changesBetween = (object: ObjectKey, before: StatusWithTimes | undefined, after: StatusWithTimes): readonly StatusChange[] =>
  after.conditions.flatMap(({ about, type, status, reason, message }) => {
    const old = before?.conditions.find((condition) => condition.about === about && condition.type === type);
    const trouble = isTrouble({ type, status });
    const wasTrouble = old !== undefined && isTrouble(old);
    const said = trouble && wasTrouble && old.message === message;
    return trouble === wasTrouble && (!trouble || said) ? [] : [{ object, trouble, type, reason, message }];
  });
