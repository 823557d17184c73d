import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newKeyPair, type Profile } from './certificate.ts';

const now = Date.parse('2030-02-03T04:05:06Z');
const hour = 3_600_000;
const profile: Profile = { commonName: 'one', usage: 'server', notBefore: now, notAfter: now + hour };
const ca = newKeyPair({ ...profile, commonName: 'root', usage: 'ca' });
const issuer = { commonName: 'root', publicKey: createPublicKey(ca.certificate), privateKey: createPrivateKey(ca.privateKey) };
const parsed = (more: Partial<Profile>): X509Certificate => new X509Certificate(newKeyPair({ ...profile, ...more }, issuer).certificate);

describe('a certificate', () => {
  it('says what it was asked to, and is signed by its CA', () => {
    const root = new X509Certificate(ca.certificate);
    const certificate = parsed({ dnsNames: ['a.example'], addresses: ['127.0.0.1'], uris: ['spiffe://a/b'] });
    expect(certificate).toMatchObject({
      subject: 'CN=one',
      issuer: 'CN=root',
      ca: false,
      subjectAltName: 'DNS:a.example, URI:spiffe://a/b, IP Address:127.0.0.1',
      validFromDate: new Date(now),
      validToDate: new Date(now + hour),
    });
    expect(certificate.checkIssued(root)).toBe(true);
    expect(certificate.verify(root.publicKey)).toBe(true);
  });

  it.each([
    ['server', ['1.3.6.1.5.5.7.3.1']],
    ['client', ['1.3.6.1.5.5.7.3.2']],
  ] as const)('for a %s is for that side of TLS only', (usage, keyUsage) => {
    expect(parsed({ usage }).keyUsage).toEqual(keyUsage);
  });

  it('of a CA is signed by itself, and belongs to its key', () => {
    const certificate = new X509Certificate(ca.certificate);
    expect(certificate).toMatchObject({ ca: true, subject: 'CN=root', issuer: 'CN=root' });
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.checkPrivateKey(issuer.privateKey)).toBe(true);
  });

  it('never has the serial number or the key of another', () => {
    const [one, other] = [parsed({}), parsed({})];
    expect(one.serialNumber).not.toBe(other.serialNumber);
    expect(one.checkIssued(new X509Certificate(ca.certificate))).toBe(true);
    expect(one.publicKey.equals(other.publicKey)).toBe(false);
  });

  it('holds names and times of any length and year', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.parse('1970-01-02'), max: Date.parse('2200-01-01') }),
        fc.array(fc.stringMatching(/^[a-z]{1,63}$/), { minLength: 1, maxLength: 40 }),
        (notAfter, dnsNames) => {
          const certificate = parsed({ notBefore: 0, notAfter, dnsNames });
          expect(certificate.validToDate.getTime()).toBe(notAfter - (notAfter % 1000));
          expect(certificate.subjectAltName).toBe(dnsNames.map((name) => `DNS:${name}`).join(', '));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('holds addresses however they are written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(parsed({ addresses: [address] }).checkIP(address)).toBe(address);
      }),
      { numRuns: 50 },
    );
    expect(() => parsed({ addresses: ['a.example'] })).toThrow('Invalid URL');
  });
});
