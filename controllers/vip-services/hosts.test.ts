import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { simulatedTailnet } from '../../test/support/simulated-tailnet.ts';
import type { TailscaleClient } from '../../src/tailscale/client.ts';
import { wishOf } from './fixtures.ts';
import { askHosts } from './hosts.ts';

let tailnet: Awaited<ReturnType<typeof simulatedTailnet>>;
let client: TailscaleClient;
const wish = wishOf({ name: 'svc:web', tags: ['tag:web'], autoApprove: true });
const hostOf = async (hostname: string, tags: readonly string[]): Promise<string> => {
  const joined = (await tailnet.steer('POST', '/devices', { hostname, tags, advertisedServices: ['svc:web'] })) as {
    readonly nodeId: string;
  };
  return joined.nodeId;
};

beforeEach(async () => {
  tailnet = await simulatedTailnet();
  client = tailnet.client();
  await tailnet.steer('POST', '/services', { name: 'svc:web', ports: ['tcp:443'] });
});
afterEach(() => tailnet.close());

describe('hosts of a service', () => {
  it('are approved where that is asked for, ours only', async () => {
    const [ours, theirs] = [await hostOf('ours', ['tag:x']), await hostOf('theirs', ['tag:x'])];
    const hosting = await askHosts(client, wish, [ours], 'corp');
    expect(hosting).toEqual({ hosts: new Map([[ours, { approved: true, configured: true }]]), isReady: true });
    const levels = (await client.serviceHosts('svc:web'))?.map(({ stableNodeID, approvalLevel }) => [stableNodeID, approvalLevel]);
    expect(levels).toEqual([
      [ours, 'approved:manual'],
      [theirs, 'not-approved'],
    ]);
  });

  it('are not asked for again where the policy approves them', async () => {
    await tailnet.steer('POST', '/services', { name: 'svc:web', ports: ['tcp:443'], tags: ['tag:k8s'] });
    const ours = await hostOf('ours', ['tag:k8s']);
    expect((await askHosts(client, wish, [ours], 'corp')).isReady).toBe(true);
    expect(tailnet.made).toEqual(['token 200', 'serviceHosts 200']);
  });

  it('that nobody approved are told as such', async () => {
    const ours = await hostOf('ours', ['tag:x']);
    expect(await askHosts(client, { ...wish, autoApprove: false }, [ours], 'corp')).toEqual({
      hosts: new Map([[ours, { approved: false, configured: true }]]),
      isReady: false,
    });
  });

  it('that we may not approve are told of, with the scopes that are missing', async () => {
    const ours = await hostOf('ours', ['tag:x']);
    await tailnet.fault({ path: '*/approved', status: 403, message: 'not enough permissions' });
    const { problem, hosts } = await askHosts(client, wish, [ours], 'corp');
    expect(problem).toMatchObject({ reason: 'MissingScopes', message: expect.stringContaining('devices:core') });
    expect(hosts.get(ours)).toEqual({ approved: false, configured: true });
  });

  it('are not ready before they offer it', async () => {
    expect(await askHosts(client, wish, ['n1CNTRL'], 'corp')).toEqual({ hosts: new Map(), isReady: false });
  });

  it('are all told of and none approved where nobody knows which are ours', async () => {
    const someone = await hostOf('someone', ['tag:x']);
    expect(await askHosts(client, wish, undefined, 'corp')).toEqual({
      hosts: new Map([[someone, { approved: false, configured: true }]]),
      isReady: true,
    });
  });

  it('stay the same object while nothing changes', async () => {
    const ours = await hostOf('ours', ['tag:x']);
    const { hosts } = await askHosts(client, wish, [ours], 'corp');
    expect((await askHosts(client, wish, [ours], 'corp', hosts)).hosts).toBe(hosts);
  });
});
