import { describe, expect, it } from 'vitest';
import { callerOf } from '../../test/support/simulated-call.ts';

const dns = '/tailnet/-/dns';

describe('settings', () => {
  it('change where a PATCH says so, and nowhere else', () => {
    const { call } = callerOf();
    const before = call('GET', '/tailnet/-/settings').body;
    const after = { ...(before as object), devicesApprovalOn: true, httpsEnabled: null };
    expect(call('PATCH', '/tailnet/-/settings', { devicesApprovalOn: true, httpsEnabled: null }).body).toEqual(after);
    expect(call('GET', '/tailnet/-/settings').body).toEqual(after);
  });

  it.each([{ devicesKeyDurationDays: 181 }, { unknown: true }, { usersRoleAllowedToJoinExternalTailnets: 'owner' }])(
    'refuse %j',
    (body) => {
      expect(callerOf().call('PATCH', '/tailnet/-/settings', body).status).toBe(400);
    },
  );
});

describe('DNS', () => {
  it('turns MagicDNS off with the last nameserver', () => {
    const { call } = callerOf();
    expect(call('POST', `${dns}/nameservers`, { dns: ['1.1.1.1'] }).body).toEqual({ dns: ['1.1.1.1'], magicDNS: true });
    expect(call('GET', `${dns}/nameservers`).body).toEqual({ dns: ['1.1.1.1'] });
    expect(call('POST', `${dns}/nameservers`, { dns: [] }).body).toEqual({ dns: [], magicDNS: false });
    expect(call('POST', `${dns}/preferences`, { magicDNS: true }).body).toEqual({ magicDNS: true });
    expect(call('GET', `${dns}/preferences`).body).toEqual({ magicDNS: true });
  });

  it('keeps search paths', () => {
    const { call } = callerOf();
    call('POST', `${dns}/searchpaths`, { searchPaths: ['example.com'] });
    expect(call('GET', `${dns}/searchpaths`).body).toEqual({ searchPaths: ['example.com'] });
  });

  it('replaces split DNS by PUT, merges it by PATCH, and drops a domain that is given null', () => {
    const { call } = callerOf();
    expect(call('PUT', `${dns}/split-dns`, { a: ['1.1.1.1'], b: ['1.1.1.1'] }).status).toBe(200);
    expect(call('PATCH', `${dns}/split-dns`, { a: null, c: ['::1'] }).body).toEqual({ b: ['1.1.1.1'], c: ['::1'] });
    expect(call('PUT', `${dns}/split-dns`, { d: ['1.1.1.1'] }).body).toEqual({ d: ['1.1.1.1'] });
    expect(call('GET', `${dns}/split-dns`).body).toEqual({ d: ['1.1.1.1'] });
    expect(call('PATCH', `${dns}/split-dns`, { a: ['x'] }).status).toBe(400);
  });
});
