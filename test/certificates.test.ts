import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { authority, certificateFor } from './support/certificates.ts';

it('issues certificates that their authority, and no other, has signed', () => {
  const ca = authority();
  const leaf = new X509Certificate(certificateFor(['a.example.com', '*.b.example.com'], ca).certificate);
  expect(leaf.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
  expect(leaf.verify(new X509Certificate(authority().certificate).publicKey)).toBe(false);
  expect(leaf.subjectAltName).toBe('DNS:a.example.com, DNS:*.b.example.com');
});
