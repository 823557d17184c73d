import { equal } from '../../src/lib/equal.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { TailscaleClient } from '../../src/tailscale/client.ts';
import type { Clock } from './clock.ts';
import type { Decision } from './decide.ts';
import { answerWithinMs, sendWithinMs } from './times.ts';

export type WritingApi = Pick<TailscaleClient, 'putVipService' | 'deleteVipService'>;

export type RoundOptions = {
  readonly name: string;
  readonly api: WritingApi;
  /** Asks the API, and remembers. */
  readonly read: () => Promise<VipService | undefined>;
  /** `beats`: it may be written only to say that we live. */
  readonly decide: (read: VipService | undefined, beats: boolean) => Decision;
  /** Whether it is still for us to write. */
  readonly mayWrite: () => boolean;
  /** What was written, where nobody looks again. */
  readonly assume: (written: VipService) => void;
  readonly clock: Pick<Clock, 'elapsed'>;
};

export type Outcome = {
  /** `contended`: somebody else was in between, and another round is due. `beaten`: nothing was changed but the time that we were seen. */
  readonly how: 'calm' | 'contended' | 'beaten' | 'failed';
  /** Whether something may have been written, which must be looked at once more when it cannot be undone any longer. */
  readonly wrote: boolean;
  readonly error?: unknown;
};

/** Looks, writes what is to be written soon after or not at all, and looks again: three calls, or four when the API refuses. Never throws. */
export const round = async (options: RoundOptions): Promise<Outcome> => {
  const { name, api, read, decide, mayWrite, assume, clock } = options;
  const asked = clock.elapsed();
  let wrote = false;
  try {
    const found = await read();
    const decision = decide(found, true);
    if (decision.do === 'nothing' || decision.do === 'conflict') return { how: 'calm', wrote };
    const withinMs = sendWithinMs - (clock.elapsed() - asked);
    if (withinMs <= 0 || !mayWrite()) return { how: 'contended', wrote };
    // By what is wanted now: that may be something else when the answer comes.
    const isBeat = decision.do === 'put' && decide(found, false).do === 'nothing';
    wrote = true;
    const timely = { withinMs, answerMs: answerWithinMs };
    try {
      if (decision.do === 'put') await api.putVipService(decision.service, timely);
      else await api.deleteVipService(name, timely);
    } catch (error) {
      if (!(await isOvertaken(error, found, read))) throw error;
      return { how: 'contended', wrote };
    }
    if (isBeat) {
      assume(decision.service);
      return { how: 'beaten', wrote: false };
    }
    return { how: decide(await read(), true).do === 'nothing' ? 'calm' : 'contended', wrote };
  } catch (error) {
    return { how: 'failed', wrote, error };
  }
};

/** Whether it failed only because what was read is not so any more. */
const isOvertaken = async (error: unknown, found: VipService | undefined, read: RoundOptions['read']): Promise<boolean> => {
  if (!(error instanceof TailscaleApiError) || error.retryable) return false;
  if (error.kind === 'conflict' && error.status === 0) return true;
  return !equal(found, await read());
};
