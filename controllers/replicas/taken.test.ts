import { describe, expect, it } from 'vitest';
import type { ClientStatus } from '../../xds/ads/events.ts';
import { typeUrlOf } from '../../xds/resources.ts';
import { encodedFrom } from '../../xds/snapshot/encoded.ts';
import { type Snapshot, snapshotFrom } from '../../xds/snapshot/snapshot.ts';
import { type GatewayReport, type Report, reportIn, textOf } from './report.ts';
import { listenersHeldBy, type Taken, takenOf } from './taken.ts';

const cds = typeUrlOf('Cluster');
const lds = typeUrlOf('Listener');
const web = 'tailnet/corp/svc:web/443';
const db = 'tailnet/corp/svc:db/5432';

const snapshotOf = (...listeners: readonly string[]): Snapshot =>
  snapshotFrom(
    new Map([
      [cds, []],
      [lds, listeners.map((name) => encodedFrom(lds, name, Buffer.from(name)))],
    ]),
  );
const before = snapshotOf('tcp/80', web);
const after = snapshotOf('tcp/80', web, db);
const versionOf = (snapshot: Snapshot): string => snapshot.get(lds)?.version ?? '';

const stream = (id: string, snapshot: Snapshot, ...typeUrls: readonly string[]): ClientStatus => ({
  group: 'default/edge',
  node: { id, cluster: 'default/edge' },
  peer: '127.0.0.1:1',
  mode: 'delta',
  served: true,
  current: true,
  since: 0,
  types: typeUrls.map((typeUrl) => ({
    typeUrl,
    version: snapshot.get(typeUrl)?.version ?? '',
    acknowledged: true,
    error: '',
    rejected: [],
  })),
});

describe('listenersHeldBy', () => {
  it('tells of the newest listeners once every Envoy has them, however many streams it uses', () => {
    const one = stream('a', after, cds, lds);
    expect(listenersHeldBy([one, stream('b', after, cds), stream('b', after, lds)], after, undefined)).toBe(versionOf(after));
    expect(listenersHeldBy([one, stream('b', before, cds, lds)], after, versionOf(before))).toBe(versionOf(before));
  });

  it('goes on telling so when another Envoy comes, and has nothing to tell of a Gateway without entrances', () => {
    expect(listenersHeldBy([stream('a', before, cds, lds)], after, versionOf(after))).toBe(versionOf(after));
    const plain = snapshotOf('tcp/80', 'tailnet/tunnel');
    expect(listenersHeldBy([stream('a', plain, cds, lds)], plain, undefined)).toBeUndefined();
  });
});

describe('takenOf', () => {
  const of = (more: Partial<GatewayReport>): Report => new Map([['default/edge', { connected: 1, accepted: '', rejections: [], ...more }]]);
  const has = (snapshot: Snapshot): Report => of({ listeners: versionOf(snapshot) });
  const names = (live: readonly Report[], snapshot = after, known: Taken = new Map()): readonly string[] => [
    ...(takenOf(live, new Map([['default/edge', snapshot]]), known).get('default/edge') ?? []),
  ];
  const known: Taken = new Map([['default/edge', new Set([web])]]);

  it('takes what every replica with Envoys tells of, and one that has none for nothing', () => {
    expect(names([has(after), has(after)])).toEqual([web, db]);
    expect(names([has(after), has(before)])).toEqual([]);
    expect(names([has(after), of({})])).toEqual([]);
    expect(names([has(after), of({ connected: 0 })])).toHaveLength(2);
    expect(names([of({ connected: 0, listeners: versionOf(after) })])).toEqual([]);
  });

  it('keeps what was taken while there is more to take, or nobody is connected, and no longer than it is published', () => {
    expect(names([has(before)], after, known)).toEqual([web]);
    expect(names([], after, known)).toEqual([web]);
    expect(names([has(before)], snapshotOf('tcp/80', db), known)).toEqual([]);
    expect(takenOf([has(before)], new Map([['default/edge', before]]), known).get('default/edge')).toBe(known.get('default/edge'));
  });

  it('does not count a listener that some Envoy rejects', () => {
    const rejections = [{ type: 'Listener', name: db, version: 'v', error: 'no' }] as const;
    expect(names([of({ listeners: versionOf(after), rejections })])).toEqual([web]);
  });

  it('reads in a report what was written', () => {
    expect(reportIn(textOf(has(after)))).toEqual(has(after));
  });
});
