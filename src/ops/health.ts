import type { SourceHealth } from '../sources/source.ts';

/** What health is judged by. */
export type Vitals = {
  /** The first update was published. */
  readonly published: boolean;
  readonly stopping: boolean;
  readonly sources: readonly SourceHealth[];
  /** The last build threw; what was published before stands. */
  readonly buildFailed: boolean;
  /** Resources that some Envoy rejects. */
  readonly rejected: number;
};

export type Health = {
  readonly status: 'ok' | 'degraded' | 'unready';
  /** Why it is not `ok`; empty when it is. */
  readonly reasons: readonly string[];
  readonly sources: readonly SourceHealth[];
};

/** Whether Envoys should be sent here: from the first published update until the stop, whatever breaks in between. */
export const readiness = ({ published, stopping, sources }: Vitals): Health => {
  const reasons = [...(stopping ? ['stopping'] : []), ...(published || stopping ? [] : waitingFor(sources))];
  return { status: reasons.length === 0 ? 'ok' : 'unready', reasons, sources };
};

const waitingFor = (sources: readonly SourceHealth[]): readonly string[] => {
  const silent = sources
    .filter(({ synced }) => !synced)
    .map(({ name, error }) => `${name} has not synced${error === undefined ? '' : `: ${error}`}`);
  return silent.length > 0 ? silent : ['nothing has been published yet'];
};

/** How well things go, for monitoring: `degraded` means that somebody should look. */
export const healthOf = (vitals: Vitals): Health => {
  const ready = readiness(vitals);
  if (ready.status !== 'ok') return ready;
  const reasons = [
    ...vitals.sources.filter(({ error }) => error !== undefined).map(({ name, error }) => `${name}: ${error}; its last good state stands`),
    ...(vitals.buildFailed ? ['the last change could not be built: see the log; what was published before stands'] : []),
    ...(vitals.rejected > 0 ? [`Envoys reject ${vitals.rejected} resources: see status`] : []),
  ];
  return { status: reasons.length === 0 ? 'ok' : 'degraded', reasons, sources: vitals.sources };
};
