/** CAs, servers and clients for tests of xDS over TLS. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { type KeyPair, newKeyPair, type Profile } from '../../controllers/xds-certificates/certificate.ts';
import { groupByCertificate } from '../../xds/ads/identity.ts';
import { type AdsOptions, type AdsServer, adsServer } from '../../xds/ads/server.ts';
import type { Tls } from '../../xds/ads/tls.ts';
import { CDS } from '../../xds/ads/types.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import { AdsClient } from '../support/ads-client.ts';
import { assignment, edsCluster, resourcesOf } from '../support/ads-resources.ts';

export const hour = 3_600_000;

/** A CA for tests, by its name. */
export type Ca = KeyPair & { readonly commonName: string };

export const ca = (commonName: string): Ca => ({
  commonName,
  ...newKeyPair({ commonName, usage: 'ca', notBefore: Date.now() - 24 * hour, notAfter: Date.now() + 24 * hour }),
});

export const issuedBy = ({ commonName, certificate, privateKey }: Ca, profile: Partial<Profile>): KeyPair =>
  newKeyPair(
    { commonName: 'test', usage: 'client', notBefore: Date.now() - hour, notAfter: Date.now() + hour, ...profile },
    { commonName, publicKey: createPublicKey(certificate), privateKey: createPrivateKey(privateKey) },
  );

/** A client certificate of Gateway `test/<name>`. */
export const clientOf = (issuer: Ca, name: string, profile: Partial<Profile> = {}): KeyPair =>
  issuedBy(issuer, { uris: [`spiffe://tailplane/ns/test/gateway/${name}`], ...profile });

export const serverTls = (issuer: Ca, trusted: readonly Ca[] = [issuer]): Required<Tls> => {
  const { certificate, privateKey } = issuedBy(issuer, { usage: 'server', dnsNames: ['localhost'], addresses: ['127.0.0.1'] });
  return { key: privateKey, cert: certificate, ca: trusted.map((one) => one.certificate).join('') };
};

export const config = (seconds = 5) =>
  snapshotOf(resourcesOf({ clusters: [edsCluster('a', seconds)], endpoints: [assignment('a', 1000)] }));

/** Servers that were started, for the test to drain. */
export const running: AdsServer[] = [];

/** A server that gives each Gateway its own snapshot: `test/edge` and `test/other` have one. */
export const serve = async (
  options: Partial<AdsOptions> & { readonly tls: Tls },
): Promise<{ readonly server: AdsServer; readonly port: number }> => {
  const server = adsServer({ address: '127.0.0.1:0', groupOf: groupByCertificate, controlPlaneId: 'test', ...options });
  running.push(server);
  server.publish('test/edge', config());
  server.publish('test/other', config());
  return { server, port: await server.listen() };
};

/** A client that trusts `trusted` and shows `shown`. */
export const clientWith = (
  port: number,
  trusted: readonly Pick<Ca, 'certificate'>[],
  shown: KeyPair | undefined,
  cluster = 'test/edge',
): AdsClient => {
  const roots = Buffer.from(trusted.map(({ certificate }) => certificate).join(''));
  const [key, cert] = shown === undefined ? [null, null] : [Buffer.from(shown.privateKey), Buffer.from(shown.certificate)];
  return new AdsClient(port, 'delta', {
    cluster,
    channel: credentials.createSsl(roots, key, cert, { checkServerIdentity: () => undefined }),
  });
};

/** Asks for clusters; their names, or the status it was refused with. */
export const asked = async (client: AdsClient): Promise<readonly string[] | { readonly code: number; readonly details: string }> => {
  client.request({ typeUrl: CDS });
  const answer = await Promise.race([client.response(), client.ended]);
  client.cancel();
  return 'resources' in answer ? answer.resources : answer;
};

/** Asks for all clusters and accepts what comes; further ones follow unasked. */
export const hold = async (client: AdsClient): Promise<void> => {
  client.request({ typeUrl: CDS });
  await accept(client);
};

/** Accepts the next response; the names of its resources. */
export const accept = async (client: AdsClient): Promise<readonly string[]> => {
  const { resources, nonce } = await client.response();
  client.request({ typeUrl: CDS, responseNonce: nonce });
  return resources;
};
