import { expect, it } from 'vitest';
import { authority, certificateFor } from '../../test/support/certificates.ts';
import { caBundleFrom } from './ca-bundle.ts';

const [a, b] = [authority('a').certificate.trim(), authority('b').certificate.trim()];

it('keeps the certificates, and nothing else that the text holds', () => {
  const { privateKey } = certificateFor(['a.example.com']);
  expect(caBundleFrom(`# first\n${a}\n${privateKey}\n${b}`)).toEqual({ ok: true, value: `${a}\n${b}\n` });
});

it.each([
  ['', 'holds no PEM certificate'],
  ['not a certificate', 'holds no PEM certificate'],
  [`${a}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`, 'holds a certificate that cannot be read (number 2)'],
])('says what is wrong with %j', (pem, problem) => {
  expect(caBundleFrom(pem)).toEqual({ ok: false, problem });
});
