import { describe, expect, it } from 'vitest';
import { groupByCertificate } from './identity.ts';
import { urisIn } from './peer.ts';

const identity = 'spiffe://tailplane/ns/team/gateway/edge';
const peer = (uris: readonly string[] | undefined) => ({ address: '127.0.0.1:1', uris });

describe('the group of a client with a certificate', () => {
  it.each(['team/edge', ''])('is that of its certificate when the node says %j', (cluster) => {
    expect(groupByCertificate({ id: 'a', cluster }, peer([identity]))).toBe('team/edge');
  });

  it.each([undefined, [], ['spiffe://elsewhere/ns/team/gateway/edge'], [identity, identity], [identity, 'https://example.com']])(
    'is none when its certificate names %j',
    (uris) => {
      expect(groupByCertificate({ id: 'a', cluster: 'team/edge' }, peer(uris))).toHaveProperty('denied');
    },
  );

  it('is none when the node says another, and the answer holds no more of that than fits', () => {
    const { denied } = groupByCertificate({ id: 'a', cluster: `x\n${'y'.repeat(10_000)}` }, peer([identity])) as {
      readonly denied: string;
    };
    expect(denied).toMatch(/^the client certificate is that of Gateway team\/edge, but node.cluster is "x\\ny+"$/);
    expect(denied.length).toBeLessThan(700);
  });
});

it.each([
  [`URI:${identity}`, [identity]],
  [`DNS:a.b, URI:${identity}, IP Address:1.2.3.4, URI:x:y`, [identity, 'x:y']],
  [`URI:"a\\u002c URI:${identity}"`, [`"a\\u002c URI:${identity}"`]],
  [`DNS:"a, URI:${identity}, b"`, []],
  [`DNS:"\\", URI:${identity}", URI:b`, ['b']],
  [`DNS:a,URI:${identity}`, []],
  [`DNS:"a, URI:${identity}`, []],
  ['', []],
])('reads of %j the URIs %j', (names, uris) => {
  expect(urisIn(names)).toEqual(uris);
});
