import { describe, expect, it } from 'vitest';
import { secretOf, tailnetObjects, tailnetOf } from '../../../test/support/followed-tailnets.ts';
import type { Secret } from '../../api/core.ts';
import { accessFrom, type AccessOptions } from './access.ts';

const options: AccessOptions = { ownNamespace: 'tailplane-system', simulates: true, hasIdentity: true };
const whole = secretOf('corp', { client_id: 'id', client_secret: 'secret' });
const access = (spec: Parameters<typeof tailnetOf>[1], secrets: readonly Secret[] = [whole], given: Partial<AccessOptions> = {}) =>
  accessFrom(tailnetOf('corp', spec), tailnetObjects([], secrets).Secret, { ...options, ...given });

describe('a tailnet is asked', () => {
  it('with the client of its Secret, without the whitespace around it', () => {
    const newlines = secretOf('corp', { client_id: ' id\n', client_secret: 'secret\r\n' });
    expect(access({}, [newlines])).toEqual({
      ok: true,
      value: {
        apiURL: 'https://api.tailscale.com',
        tailnet: '-',
        simulated: false,
        secret: 'tailplane-system/corp',
        clientId: 'id',
        clientSecret: 'secret',
      },
    });
  });

  it('with a Secret of another namespace where it names one', () => {
    const elsewhere = secretOf('corp', { client_id: 'other', client_secret: 'other' }, 'infra');
    expect(access({ oauthSecretNamespace: 'infra' }, [whole, elsewhere])).toMatchObject({ value: { clientId: 'other' } });
  });

  it('by workload identity where it has an audience, and then without a client secret', () => {
    const result = access({ audience: 'api.tailscale.com/x' }, [secretOf('corp', { client_id: 'id' })]);
    expect(result).toMatchObject({ value: { clientId: 'id', audience: 'api.tailscale.com/x' } });
    expect(access({ audience: 'api.tailscale.com/x' })).not.toHaveProperty('value.clientSecret');
  });

  it('at the simulator only if it has its name, does not say where it is, and there is a simulator', () => {
    expect(access({ tailnet: 'simulated' })).toMatchObject({ value: { simulated: true } });
    expect(access({ tailnet: 'simulated', apiURL: 'https://api.tailscale.com/' })).toMatchObject({ value: { simulated: true } });
    expect(access({ tailnet: 'simulated', apiURL: 'http://127.0.0.1:1' })).toMatchObject({ value: { simulated: false } });
    expect(access({ tailnet: 'corp.example' })).toMatchObject({ value: { simulated: false } });
    expect(access({ tailnet: 'simulated' }, [whole], { simulates: false })).toMatchObject({ value: { simulated: false } });
  });
});

describe('a tailnet cannot be asked', () => {
  it.each([
    [[], 'Secret "tailplane-system/corp" does not exist: create it, with the OAuth client of the tailnet in client_id and client_secret'],
    [[secretOf('corp', {})], 'Secret "tailplane-system/corp" lacks client_id and client_secret'],
    [[secretOf('corp', { client_id: 'id' })], 'Secret "tailplane-system/corp" lacks client_secret'],
    [[secretOf('corp', { client_id: 'id', client_secret: '\n' })], 'Secret "tailplane-system/corp" lacks client_secret'],
    [[secretOf('corp', { client_secret: 'hidden' })], 'Secret "tailplane-system/corp" lacks client_id'],
  ])('without what it takes; %#', (secrets, message) => {
    const result = access({}, secrets);
    expect(result).toMatchObject({ problem: { kind: 'secret', message: expect.stringContaining(message) } });
    expect(JSON.stringify(result)).not.toContain('hidden');
  });

  it('by workload identity where nobody vouches for us', () => {
    expect(access({ audience: 'x' }, [whole], { hasIdentity: false })).toMatchObject({ problem: { kind: 'credentials' } });
  });
});
