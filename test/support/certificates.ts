/** X.509 certificates for tests, made with node:crypto alone: no openssl needed. ECDSA P-256, valid for years around now. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts. */
export type Certificate = { readonly certificate: string; readonly privateKey: string };

type Issuer = { readonly commonName: string; readonly key: KeyObject };
type Leaf = Certificate & { readonly issuer: Issuer };

/** A certificate authority of its own. */
export const authority = (commonName = 'test CA'): Leaf => issue(commonName, [], undefined);

/** When a certificate is valid, ISO 8601. */
type Validity = { readonly from?: string; readonly to?: string };

/** A certificate for DNS names, signed by `by` or by itself. */
export const certificateFor = (names: readonly string[], by?: Leaf, validity?: Validity): Leaf =>
  issue(names[0] ?? 'test', names, by?.issuer, validity);

/** A self-signed certificate in files, for programs that want paths. */
export const selfSigned = async (
  name: string,
): Promise<Certificate & { readonly certFile: string; readonly keyFile: string; readonly remove: () => Promise<void> }> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-cert-'));
  const made = certificateFor([name]);
  const certFile = join(dir, 'tls.crt');
  const keyFile = join(dir, 'tls.key');
  await writeFile(certFile, made.certificate);
  await writeFile(keyFile, made.privateKey, { mode: 0o600 });
  return { ...made, certFile, keyFile, remove: () => rm(dir, { recursive: true, force: true }) };
};

const issue = (
  commonName: string,
  names: readonly string[],
  issuer: Issuer | undefined,
  { from = '2020-01-01T00:00:00Z', to = '2049-01-01T00:00:00Z' }: Validity = {},
): Leaf => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = issuer ?? { commonName, key: privateKey };
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    nameOf(signer.commonName),
    sequence(utcTime(from), utcTime(to)),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...(names.length === 0 ? [isAuthority] : []), ...(names.length === 0 ? [] : [alternativeNames(names)]))),
  );
  const signed = sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, signer.key)));
  return {
    certificate: pem('CERTIFICATE', signed),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    issuer: { commonName, key: privateKey },
  };
};

// DER (X.690), as far as RFC 5280 needs it here.
const tlv = (tag: number, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  const length =
    body.length < 0x80 ? [body.length] : body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...content: readonly Buffer[]): Buffer => tlv(0x30, ...content);
const integer = (value: Buffer): Buffer => tlv(0x02, value);
const bitString = (value: Buffer): Buffer => tlv(0x03, Buffer.from([0]), value);
const octets = (value: Buffer): Buffer => tlv(0x04, value);
const utcTime = (iso: string): Buffer => tlv(0x17, Buffer.from(`${new Date(iso).toISOString().slice(2, 19).replaceAll(/\D/g, '')}Z`));
const explicit = (tag: number, value: Buffer): Buffer => tlv(0xa0 + tag, value);
const oid = (...bytes: readonly number[]): Buffer => tlv(0x06, Buffer.from(bytes));

const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const nameOf = (commonName: string): Buffer => sequence(tlv(0x31, sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from(commonName)))));
const isAuthority = sequence(oid(0x55, 0x1d, 0x13), tlv(0x01, Buffer.from([0xff])), octets(sequence(tlv(0x01, Buffer.from([0xff])))));
const alternativeNames = (names: readonly string[]): Buffer =>
  sequence(oid(0x55, 0x1d, 0x11), octets(sequence(...names.map((name) => tlv(0x82, Buffer.from(name))))));

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
