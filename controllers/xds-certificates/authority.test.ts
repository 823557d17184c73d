import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificatesIn } from '../../src/lib/ca-bundle.ts';
import { type Authority, authorityFrom, dataFrom, defaultTimes, firstAuthority, nextStepAt, stepOf } from './authority.ts';
import { newKeyPair } from './certificate.ts';
import { newCa } from './issue.ts';

const day = 24 * 3_600_000;
const start = Date.parse('2030-02-03T04:05:06Z');
const first = firstAuthority(newCa(start, defaultTimes.lifetimeMs), '', start);
const step = (authority: Authority, now: number): Authority | undefined =>
  stepOf(authority, now, defaultTimes, () => newCa(now, defaultTimes.lifetimeMs));
const must = (authority: Authority | undefined): Authority => {
  if (authority === undefined) throw new Error('no step is due');
  return authority;
};

describe('the CA of xDS', () => {
  it('goes from one CA to the next in steps that everybody can follow, at the times it says', () => {
    const prepareAt = nextStepAt(first, defaultTimes);
    expect(prepareAt).toBe(start + (365 * day * 2) / 3);
    expect(step(first, prepareAt - 1)).toBeUndefined();
    const prepared = must(step(first, prepareAt));
    expect(prepared.signing).toEqual(first.signing);
    expect(prepared.bundle).toBe(first.bundle + prepared.next?.certificate);

    const promoteAt = nextStepAt(prepared, defaultTimes);
    expect(promoteAt).toBe(prepareAt + day);
    expect(step(prepared, promoteAt - 1)).toBeUndefined();
    const promoted = must(step(prepared, promoteAt));
    expect(promoted).toEqual({ signing: prepared.next, bundle: prepared.bundle });

    const pruneAt = nextStepAt(promoted, defaultTimes);
    expect(pruneAt).toBe(start + 365 * day);
    expect(step(promoted, pruneAt - 1)).toBeUndefined();
    const pruned = must(step(promoted, pruneAt));
    expect(pruned).toEqual({ signing: promoted.signing, bundle: promoted.signing.certificate });
    expect(step(pruned, pruneAt)).toBeUndefined();
  });

  it('that expired unattended is replaced, and so is a successor that came late, half way through what is left', () => {
    const renewed = must(step(first, start + 366 * day));
    expect(renewed.bundle).toBe(renewed.signing.certificate);
    const lateAt = start + 365 * day - 60 * 60_000;
    const late = must(step(first, lateAt));
    expect(nextStepAt(late, defaultTimes)).toBe(lateAt + 30 * 60_000);
    expect(must(step(late, start + 366 * day)).signing).toEqual(late.next);
  });

  it('keeps CAs that somebody else added to the bundle, for as long as they are valid', () => {
    const other = newCa(start, 10 * day).certificate;
    const read = authorityFrom({ ...dataFrom(first), 'ca.crt': other });
    expect(read).toEqual({ ok: true, value: { signing: first.signing, bundle: other + first.signing.certificate } });
    if (read.ok) expect(must(step(read.value, start + 10 * day)).bundle).toBe(first.bundle);
  });

  it('is read as it was written, with and without a successor', () => {
    for (const authority of [first, must(step(first, start + 300 * day))])
      expect(authorityFrom(dataFrom(authority))).toEqual({ ok: true, value: authority });
  });

  it('does without a successor or a bundle that cannot be read', () => {
    const prepared = must(step(first, start + 300 * day));
    const read = authorityFrom({ ...dataFrom(prepared), 'next.key': 'no key', 'ca.crt': 'no bundle' });
    expect(read).toEqual({ ok: true, value: first });
    expect(certificatesIn(first.bundle)).toEqual([new X509Certificate(first.signing.certificate)]);
  });

  const data = dataFrom(first);
  const strange = newKeyPair({ commonName: 'tailplane xDS', usage: 'ca', notBefore: start, notAfter: start + day });
  it.each([
    ['nothing', {}, 'tls.crt or tls.key cannot be read'],
    ['no key', { 'tls.crt': data['tls.crt'] }, 'tls.crt or tls.key cannot be read'],
    ['half a key', { ...data, 'tls.key': data['tls.key']?.slice(0, 90) }, 'tls.crt or tls.key cannot be read'],
    ["another's key", { ...data, 'tls.key': newCa(start, day).privateKey }, 'tls.key is not the key of tls.crt'],
    ["somebody else's CA", { 'tls.crt': strange.certificate, 'tls.key': strange.privateKey }, 'tls.crt is not a CA that tailplane made'],
  ])('is not read from %s, and the reason holds nothing secret', (_what, held, problem) => {
    expect(authorityFrom(held as Record<string, string>)).toEqual({ ok: false, problem });
  });
});
