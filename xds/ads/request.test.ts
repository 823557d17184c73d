import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from '../codec.ts';
import { WireError } from '../wire/read.ts';
import { readDeltaRequest, readSotwRequest } from './request.ts';

const text = fc.string({ maxLength: 20, unit: 'grapheme' }).filter((value) => value.isWellFormed());
const names = fc.uniqueArray(
  text.filter((name) => name !== ''),
  { maxLength: 40 },
);

describe('a request', () => {
  it('of SotW is read as it was written', () => {
    fc.assert(
      fc.property(names, text, text, text, (resourceNames, versionInfo, responseNonce, id) => {
        const typeUrl = 'type.googleapis.com/x';
        const request = { resourceNames, versionInfo, responseNonce, typeUrl, node: { id, cluster: 'c', metadata: { a: 1 } } };
        const { node, request: read } = readSotwRequest(encode('envoy.service.discovery.v3.DiscoveryRequest', request));
        expect(node).toEqual({ id, cluster: 'c' });
        expect(read).toMatchObject({ typeUrl, version: versionInfo, nonce: responseNonce });
        expect(new Set(read.names.names)).toEqual(new Set(resourceNames));
        expect(read.error).toBeUndefined();
      }),
    );
  });

  it('of Delta is read as it was written', () => {
    fc.assert(
      fc.property(names, names, fc.dictionary(text, text), (resourceNamesSubscribe, resourceNamesUnsubscribe, versions) => {
        const request = { typeUrl: 'x', resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions: versions };
        const { request: read } = readDeltaRequest(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', request));
        expect(read).toMatchObject({ subscribe: resourceNamesSubscribe, unsubscribe: resourceNamesUnsubscribe });
        expect(Object.fromEntries(read.initial)).toEqual({ ...versions });
      }),
    );
  });

  it('that rejects says why, and one that gives no reason is a rejection too', () => {
    const rejecting = (errorDetail: object) =>
      readSotwRequest(encode('envoy.service.discovery.v3.DiscoveryRequest', { typeUrl: 'x', errorDetail }));
    expect(rejecting({ code: 3, message: 'no' }).request.error).toBe('no');
    expect(rejecting({ code: 3 }).request.error).toBe('rejected without a message');
  });

  it('with the same names, in whatever order, holds the same set of names', () => {
    const read = (resourceNames: readonly string[]) =>
      readSotwRequest(encode('envoy.service.discovery.v3.DiscoveryRequest', { typeUrl: 'x', resourceNames })).request.names;
    const list = Array.from({ length: 100 }, (_, index) => `name-${index}`);
    expect(read(list)).toBe(read([...list]));
    expect(read(list.toReversed())).toBe(read(list));
    expect(read(list.slice(1))).not.toBe(read(list));
  });

  it('of any bytes is read or is a WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const read of [readSotwRequest, readDeltaRequest]) {
          let problem: unknown;
          try {
            read(Buffer.from(bytes));
          } catch (error) {
            problem = error;
          }
          expect(problem === undefined || problem instanceof WireError).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
