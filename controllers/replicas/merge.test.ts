import { describe, expect, it } from 'vitest';
import type { ClientStatus } from '../../xds/ads/events.ts';
import { typeUrlOf } from '../../xds/resources.ts';
import { encodedFrom } from '../../xds/snapshot/encoded.ts';
import { type Snapshot, snapshotFrom } from '../../xds/snapshot/snapshot.ts';
import { mergeReports, nothingKnown } from './merge.ts';
import { hear, type Others, patience } from './others.ts';
import { ownReport as reportOf, type Published } from './own-report.ts';
import { type Rejectings, rejectingsOf } from './rejecting.ts';
import { noReport, type Report } from './report.ts';

const cds = typeUrlOf('Cluster');
const lds = typeUrlOf('Listener');

/** Clusters by name and content, one listener. */
const snapshotOf = (clusters: Readonly<Record<string, string>>): Snapshot =>
  snapshotFrom(
    new Map([
      [cds, Object.entries(clusters).map(([name, content]) => encodedFrom(cds, name, Buffer.from(content), [`HTTPRoute/default/${name}`]))],
      [lds, [encodedFrom(lds, 'listener', Buffer.from('listener'))]],
    ]),
  );

const published = (snapshot: Snapshot, edition = 'uid/1'): Published => ({
  snapshots: new Map([['default/edge', snapshot]]),
  editions: new Map([['default/edge', edition]]),
});

type Held = ClientStatus['types'][number];
const held = (snapshot: Snapshot, typeUrl: string, rest: Partial<Held> = {}): Held => ({
  typeUrl,
  version: snapshot.get(typeUrl)?.version ?? '',
  acknowledged: true,
  error: '',
  rejected: [],
  ...rest,
});

const envoy = (id: string, types: readonly Held[], group = 'default/edge'): ClientStatus => ({
  group,
  node: { id, cluster: group },
  peer: '127.0.0.1:1',
  mode: 'delta',
  served: true,
  current: true,
  since: 0,
  types,
});

const first = snapshotOf({ a: '1' });
const second = snapshotOf({ a: '2' });
const whole = (snapshot: Snapshot): readonly Held[] => [held(snapshot, cds), held(snapshot, lds)];

const ownReport = (clients: readonly ClientStatus[], of: Published, before?: Report): Report =>
  reportOf(clients, rejectingsOf(clients, of.snapshots, new Map(), 0), of, before);

describe('what one replica reports', () => {
  it('counts Envoys, not their streams', () => {
    const clients = [envoy('a', [held(first, cds)]), envoy('a', [held(first, lds)]), envoy('b', [])];
    expect(ownReport(clients, published(first)).get('default/edge')?.connected).toBe(2);
  });

  it.each<[string, readonly Held[], boolean]>([
    ['everything', whole(first), true],
    [
      'everything, with endpoints that it held before and was not sent',
      [...whole(first), held(first, 'eds', { version: '', acknowledged: false })],
      true,
    ],
    ['a part kept from it', [held(first, cds, { version: `${first.get(cds)?.version}~7`, rejected: ['a'] }), held(first, lds)], true],
    ['clusters only', [held(first, cds)], false],
    ['listeners, but still works on clusters', [held(first, cds, { acknowledged: false }), held(first, lds)], false],
    ['listeners, but still works on routes', [...whole(first), held(first, 'rds', { version: 'x', acknowledged: false })], false],
    ['an older generation', whole(second), false],
    ['nothing', [], false],
  ])('says whether an Envoy has accepted the configuration: %s', (_, types, accepted) => {
    expect(ownReport([envoy('a', types)], published(first)).get('default/edge')?.accepted).toBe(accepted ? 'uid/1' : '');
  });

  it('remembers an acceptance while the next change is on its way, and after the Envoy went', () => {
    const report = ownReport([envoy('a', whole(first))], published(first));
    const changing = ownReport([envoy('a', whole(first))], published(second), report);
    expect(changing).toBe(report);
    expect(ownReport([], published(second), changing)).toEqual(
      new Map([['default/edge', { connected: 0, accepted: 'uid/1', rejections: [] }]]),
    );
  });

  it('asks for another acceptance after another edit of the Gateway', () => {
    const report = ownReport([envoy('a', whole(first))], published(first));
    expect(ownReport([envoy('a', whole(first))], published(second, 'uid/2'), report).get('default/edge')?.accepted).toBe('uid/1');
    expect(ownReport([envoy('a', whole(second))], published(second, 'uid/2'), report).get('default/edge')?.accepted).toBe('uid/2');
  });

  it('says nothing of Gateways that are gone, or that some client made up', () => {
    const report = ownReport([envoy('a', whole(first))], published(first));
    expect(ownReport([envoy('b', [], 'default/typo')], { snapshots: new Map(), editions: new Map() }, report)).toEqual(noReport);
  });
});

const report = (snapshot: Snapshot, error = 'no'): Report =>
  ownReport([envoy('a', [held(snapshot, cds, { rejected: ['a'], error }), held(snapshot, lds)])], published(snapshot));

const others = (
  reports: Readonly<Record<string, readonly [version: string, report: Report]>>,
  nowMs = 0,
  before: Others = new Map(),
): Others => hear(before, new Map(Object.entries(reports).map(([name, [version, said]]) => [name, { version, report: said }])), nowMs);

const merge = (said: Others, nowMs: number, of = published(first), own: Report = noReport, before = nothingKnown) =>
  mergeReports(own, said, of, before, nowMs);

describe('mergeReports', () => {
  it('adds up the Envoys of all replicas', () => {
    const own = ownReport([envoy('x', []), envoy('y', [])], published(first));
    expect(merge(others({ one: ['1', report(first)], two: ['1', report(first)] }), 0, published(first), own).connected).toEqual(
      new Map([['default/edge', 4]]),
    );
  });

  it('takes an acceptance from whoever saw it, of the present edition only', () => {
    const said = others({ one: ['1', report(first)] });
    expect(merge(said, 0).accepted).toEqual(new Map([['default/edge', 'uid/1']]));
    expect(merge(said, 0, published(first, 'uid/2')).accepted).toEqual(new Map());
    expect(merge(others({}), 0, published(first), report(first)).accepted).toEqual(new Map([['default/edge', 'uid/1']]));
  });

  it('does not forget an acceptance because the replica that saw it is gone', () => {
    const before = merge(others({ one: ['1', report(first)] }), 0);
    expect(merge(others({}), 0, published(second), noReport, before).accepted).toEqual(before.accepted);
    expect(merge(others({}), 0, published(second, 'uid/2'), noReport, before).accepted).toEqual(new Map());
  });

  it('names rejections with the objects that own what is rejected', () => {
    expect(merge(others({ one: ['1', report(first)] }), 0).rejections).toEqual([
      { gateway: 'default/edge', type: 'Cluster', name: 'a', error: 'no', owners: ['HTTPRoute/default/a'] },
    ]);
  });

  it('drops a rejection the moment something else is published in its place', () => {
    expect(merge(others({ one: ['1', report(first)] }), 0, published(second)).rejections).toEqual([]);
  });

  it('takes a replica for dead that did not write for a minute, and believes it again when it does', () => {
    const said = others({ one: ['1', report(first)] });
    const heartbeat = others({ one: ['2', report(first)] }, 50_000, said);
    const silent = others({ one: ['2', report(first)] }, 100_000, heartbeat);
    expect([59_999, 60_000].map((nowMs) => merge(said, nowMs).connected.size)).toEqual([1, 0]);
    expect([109_999, 110_000].map((nowMs) => merge(silent, nowMs).connected.size)).toEqual([1, 0]);
    expect(merge(silent, 110_000).rejections).toEqual([]);
    expect(merge(others({ one: ['3', report(first)] }, 200_000, silent), 200_000).connected.size).toBe(1);
  });

  it('counts no Envoys of a replica that took its leave, but keeps their rejections until they must have come back elsewhere', () => {
    const said = others({}, 1000, others({ one: ['1', report(first)] }));
    expect(merge(said, 1000).connected).toEqual(new Map());
    expect(merge(said, 1000).rejections.length).toBe(1);
    expect(merge(said, 1000 + patience.movingMs).rejections).toEqual([]);
    expect(hear(said, new Map(), 1000 + patience.movingMs)).toEqual(new Map());
  });
});

describe('an Envoy that rejects something', () => {
  const rejecting = [held(first, cds, { rejected: ['a'], error: 'no' }), held(first, lds)];
  const after = (before: Rejectings, clients: readonly ClientStatus[], nowMs: number, of = first): Rejectings =>
    rejectingsOf(clients, published(of).snapshots, before, nowMs);
  const rejects = after(new Map(), [envoy('a', rejecting)], 0);
  const reportedOf = (rejectings: Rejectings): readonly string[] =>
    [...reportOf([], rejectings, published(first)).values()].flatMap(({ rejections }) => rejections.map(({ name }) => name));

  it('does so still while it comes anew, until it was given everything again', () => {
    const gone = after(rejects, [], 1000);
    const back = after(gone, [envoy('a', [held(first, cds, { version: '', acknowledged: false })])], 2000);
    expect([gone, back].map(reportedOf)).toEqual([['a'], ['a']]);
    expect(after(back, [envoy('a', rejecting)], 3000)).toEqual(rejects);
    expect(after(back, [envoy('a', whole(first))], 3000)).toEqual(new Map());
  });

  it('is forgotten when it does not come back, or its Gateway is gone', () => {
    const gone = after(rejects, [], 1000);
    expect(after(gone, [], 1000 + patience.movingMs)).toEqual(new Map());
    expect(rejectingsOf([], new Map(), gone, 2000)).toEqual(new Map());
  });

  it('is heard of while it is connected to nobody', () => {
    const away = reportOf([], after(rejects, [], 1000), published(first));
    expect(mergeReports(away, new Map(), published(first), nothingKnown, 0).rejections.map(({ name }) => name)).toEqual(['a']);
    expect(mergeReports(away, new Map(), published(second), nothingKnown, 0).rejections).toEqual([]);
  });
});
