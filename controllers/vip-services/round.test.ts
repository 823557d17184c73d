import { describe, expect, it } from 'vitest';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import type { Decision } from './decide.ts';
import { round, type RoundOptions } from './round.ts';

const service: VipService = { name: 'svc:web' };
const put: Decision = { do: 'put', service };

const options = (more: Partial<RoundOptions>): RoundOptions => ({
  name: 'svc:web',
  api: { putVipService: async () => undefined, deleteVipService: async () => true },
  read: async () => undefined,
  decide: (read) => (read === undefined ? put : { do: 'nothing' }),
  mayWrite: () => true,
  assume: () => undefined,
  clock: { elapsed: () => 0 },
  ...more,
});

describe('round', () => {
  it('looks again after a change, though what is wanted changes while it is written', async () => {
    let isWanted = true;
    const putVipService = async (): Promise<void> => {
      isWanted = false;
    };
    const api = { putVipService, deleteVipService: async () => true };
    expect(await round(options({ api, decide: () => (isWanted ? put : { do: 'nothing' }) }))).toEqual({ how: 'calm', wrote: true });
  });

  it('writes nothing when what it read is too old by now, or when others write', async () => {
    let now = 0;
    const elapsed = (): number => (now += 6000);
    expect(await round(options({ clock: { elapsed } }))).toEqual({ how: 'contended', wrote: false });
    expect(await round(options({ mayWrite: () => false }))).toEqual({ how: 'contended', wrote: false });
  });

  it('says that it may have written when no answer came', async () => {
    const error = new TailscaleApiError({ call: 'putVipService', kind: 'unreachable', status: 0, said: 'no answer' });
    const api = { putVipService: () => Promise.reject(error), deleteVipService: async () => true };
    expect(await round(options({ api }))).toEqual({ how: 'failed', wrote: true, error });
  });

  it('takes a refusal for somebody else’s doing when what it read is not so any more', async () => {
    const error = new TailscaleApiError({
      call: 'putVipService',
      kind: 'invalid',
      status: 400,
      said: 'a new service may ask for one address',
    });
    const api = { putVipService: () => Promise.reject(error), deleteVipService: async () => true };
    const reads: (VipService | undefined)[] = [undefined, service];
    expect(await round(options({ api, read: async () => reads.shift() }))).toEqual({ how: 'contended', wrote: true });
    expect(await round(options({ api }))).toEqual({ how: 'failed', wrote: true, error });
  });
});
