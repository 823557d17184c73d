import type { Observations, TailnetState } from '../../api/observations.ts';
import { reuse } from '../../lib/equal.ts';
import { present } from '../../lib/present.ts';

type Tailnets = Observations['tailnets'];

/** One tailnet as a whole. */
export type TailnetStanding = {
  /** Whether its devices and services are known, be it from long ago. */
  readonly heard: boolean;
  /** MagicDNS suffix. */
  readonly suffix?: string;
  /** For users: why what is known is nothing, or old. */
  readonly remark?: string;
};

/** A function from tailnets to how they stand, by name; the same map while nothing of that changes, whatever their machines do. */
export const standingsBuilder = (): ((tailnets: Tailnets) => ReadonlyMap<string, TailnetStanding>) => {
  let source: Tailnets = new Map();
  let last: ReadonlyMap<string, TailnetStanding> = new Map();
  return (tailnets) => {
    if (tailnets === source) return last;
    source = tailnets;
    const next = new Map([...tailnets].map(([name, state]) => [name, standingOf(state)] as const));
    last = next.size === last.size ? reuseStandings(last, next) : next;
    return last;
  };
};

const reuseStandings = (
  last: ReadonlyMap<string, TailnetStanding>,
  next: ReadonlyMap<string, TailnetStanding>,
): ReadonlyMap<string, TailnetStanding> => {
  const settled = new Map([...next].map(([name, standing]) => [name, reuse(last.get(name) ?? standing, standing)] as const));
  return [...settled].every(([name, standing]) => last.get(name) === standing) ? last : settled;
};

const standingOf = ({ name, known, trouble }: TailnetState): TailnetStanding =>
  present({
    heard: known !== undefined,
    suffix: known?.suffix,
    remark:
      trouble === undefined
        ? undefined
        : `tailnet "${name}" cannot be asked since ${trouble.since}${known === undefined ? '' : ', and what was known then still counts'} (see the status of its TailscaleTailnet)`,
  });
