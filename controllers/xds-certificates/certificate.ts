import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, explicit, implicit, integer, octets, oid, sequence, set, text, time, truth } from './der.ts';

/** A certificate and its key. PEM texts; the key is PKCS #8. */
export type KeyPair = { readonly certificate: string; readonly privateKey: string };

/** What a certificate says. Times in Unix milliseconds; certificates know whole seconds only. */
export type Profile = {
  readonly commonName: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** A CA has no names and issues certificates; others are for one side of TLS. */
  readonly usage: 'ca' | 'server' | 'client';
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly uris?: readonly string[];
};

/** Who signs: a key, and the name and public key that its certificate gives it. */
export type Issuer = { readonly commonName: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** A new key (ECDSA P-256) with an X.509 certificate (RFC 5280), signed by `issuer` or by itself. */
export const newKeyPair = (profile: Profile, issuer?: Issuer): KeyPair => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = issuer ?? { commonName: profile.commonName, publicKey, privateKey };
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    nameFrom(signer.commonName),
    sequence(time(profile.notBefore), time(profile.notAfter)),
    nameFrom(profile.commonName),
    spkiOf(publicKey),
    explicit(3, sequence(...extensionsFrom(profile, publicKey, signer.publicKey))),
  );
  const signed = sequence(toBeSigned, ecdsaWithSha256, bits(sign('sha256', toBeSigned, signer.privateKey)));
  return { certificate: pemFrom(signed), privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
};

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

const nameFrom = (commonName: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), text(commonName))));

const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

const extensionsFrom = (profile: Profile, key: KeyObject, issuerKey: KeyObject): readonly Buffer[] => {
  const identifiers = [extension('2.5.29.14', octets(keyIdOf(key))), extension('2.5.29.35', sequence(implicit(0, keyIdOf(issuerKey))))];
  if (profile.usage === 'ca')
    return [
      // A CA, below which there is none; it signs certificates (bit 5) and lists of revoked ones (bit 6).
      criticalExtension('2.5.29.19', sequence(truth, integer(Buffer.from([0])))),
      criticalExtension('2.5.29.15', bits(Buffer.from([0b0000_0110]), 1)),
      ...identifiers,
    ];
  return [
    criticalExtension('2.5.29.19', sequence()),
    criticalExtension('2.5.29.15', bits(Buffer.from([0b1000_0000]), 7)), // digital signature
    extension('2.5.29.37', sequence(oid(profile.usage === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.17', alternativeNamesFrom(profile)),
    ...identifiers,
  ];
};

const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), octets(value));
const criticalExtension = (id: string, value: Buffer): Buffer => sequence(oid(id), truth, octets(value));

/** SHA-1 of the key's bits (RFC 5280 4.2.1.2, method 1): a name for the key that no security hangs on. P-256 points are 65 bytes. */
const keyIdOf = (key: KeyObject): Buffer => createHash('sha1').update(spkiOf(key).subarray(-65)).digest();

const alternativeNamesFrom = ({ dnsNames = [], addresses = [], uris = [] }: Profile): Buffer =>
  sequence(
    ...dnsNames.map((name) => implicit(2, Buffer.from(name, 'latin1'))),
    ...uris.map((uri) => implicit(6, Buffer.from(uri, 'latin1'))),
    ...addresses.map((address) => implicit(7, addressBytes(address))),
  );

/** 4 or 16 bytes. Throws on what is no IP address. */
const addressBytes = (address: string): Buffer => {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // URLs hold IPv6 addresses in their one short form, without dots.
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = [], after = []] = short.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
};

const pemFrom = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
