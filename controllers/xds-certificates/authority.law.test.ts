import { duplexPair } from 'node:stream';
import { connect, createServer } from 'node:tls';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Authority, defaultTimes, firstAuthority, nextStepAt, stepOf } from './authority.ts';
import type { KeyPair } from './certificate.ts';
import { issueClient, issueServer, newCa } from './issue.ts';

const hour = 3_600_000;
const day = 24 * hour;
const leafMs = day;
const name = 'tailplane.system.svc';

type Known = { readonly at: number; readonly authority: Authority };

/** What stood in the Secret from when on, for a CA that was first made at `start`. */
const history = (start: number, end: number): readonly Known[] => {
  let known: Known = { at: start, authority: firstAuthority(newCa(start, defaultTimes.lifetimeMs), '', start) };
  const all = [known];
  for (let at = start; at <= end; at = nextStepAt(known.authority, defaultTimes)) {
    const next = stepOf(known.authority, at, defaultTimes, () => newCa(at, defaultTimes.lifetimeMs));
    if (next === undefined) continue;
    known = { at, authority: next };
    all.push(known);
  }
  return all;
};

const knownAt = (states: readonly Known[], time: number): Authority => {
  const { authority } = states.findLast(({ at }) => at <= time) ?? states[0] ?? {};
  if (authority === undefined) throw new Error('unreachable: a history has a beginning');
  return authority;
};

type Party = KeyPair & { readonly trusts: string };

/** What the two sides of mutual TLS have against each other by OpenSSL's judgement at the real time, without a port: '' for nothing. */
const handshake = async (server: Party, client: Party): Promise<string> => {
  const [near, far] = duplexPair();
  const accepting = createServer({
    requestCert: true,
    key: server.privateKey,
    cert: server.certificate,
    ca: server.trusts,
    minVersion: 'TLSv1.3',
  });
  const byServer = new Promise<unknown>((resolve) => {
    accepting.once('secureConnection', () => resolve(''));
    accepting.once('tlsClientError', (error, { authorizationError }) => resolve(authorizationError ?? error));
  });
  accepting.emit('connection', near);
  const shown = { key: client.privateKey, cert: client.certificate, ca: client.trusts };
  const dialling = connect({ socket: far, servername: name, rejectUnauthorized: false, ...shown });
  const byClient = new Promise<unknown>((resolve) => {
    dialling.once('secureConnect', () => resolve(dialling.authorizationError ?? ''));
    dialling.once('error', resolve);
  });
  const said = await Promise.all([byServer, byClient]);
  near.destroy();
  far.destroy();
  return said.map(String).filter(Boolean).join(', ');
};

/** Ages of the CA, most of them around the steps of its life. */
const ages = fc.oneof(
  fc.integer({ min: 0, max: 3 * 365 * day }),
  fc
    .tuple(fc.constantFrom((365 * day * 2) / 3, (365 * day * 2) / 3 + day, 365 * day), fc.integer({ min: -hour, max: 2 * day }))
    .map(([step, offset]) => step + offset),
);

it('whoever is behind by less than the overlap understands everybody, at any time of the life of CAs', async () => {
  await fc.assert(
    fc.asyncProperty(
      ages,
      fc.integer({ min: 0, max: defaultTimes.overlapMs - 1 }),
      fc.integer({ min: 0, max: leafMs / 3 - hour }),
      fc.integer({ min: 0, max: (leafMs * 2) / 3 }),
      async (age, serverBehind, clientBehind, clientCertificateAge) => {
        const now = Date.now();
        const states = history(now - age, now);
        const known = knownAt(states, now - serverBehind);
        const server = { ...issueServer(known.signing, { dnsNames: [name] }, now, leafMs), trusts: known.bundle };
        const issuedAt = Math.max(now - age, now - clientBehind - clientCertificateAge);
        const client = {
          ...issueClient(knownAt(states, issuedAt).signing, { namespace: 'a', name: 'b' }, issuedAt, leafMs),
          trusts: knownAt(states, now - clientBehind).bundle,
        };
        expect(await handshake(server, client)).toBe('');
      },
    ),
    { numRuns: 150 },
  );
});

it('strangers do not understand each other', async () => {
  const now = Date.now();
  const [a, b] = [newCa(now, day), newCa(now, day)];
  const party = (ca: KeyPair, leaf: KeyPair): Party => ({ ...leaf, trusts: ca.certificate });
  const said = await handshake(
    party(a, issueServer(a, { dnsNames: [name] }, now, hour)),
    party(b, issueClient(b, { namespace: 'a', name: 'b' }, now, hour)),
  );
  expect(said).toBe('SELF_SIGNED_CERT_IN_CHAIN, SELF_SIGNED_CERT_IN_CHAIN');
});
