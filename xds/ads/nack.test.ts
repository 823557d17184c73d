import { describe, expect, it } from 'vitest';
import { ask, stream, type TestStream, told } from '../../test/support/ads-stream.ts';
import { cluster, endpoints, listener, routes, snapshot } from '../../test/support/ads-world.ts';
import { History } from '../snapshot/history.ts';
import type { Mode, Response } from './state.ts';
import { CDS, EDS, RDS } from './types.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const all = (salt: number) => names.map((name) => cluster(name, { salt }));

describe.each(['sotw', 'delta'] as const)('a %s client that rejects', (mode) => {
  /** A client that has accepted all clusters in version 0 and was sent version 1 of all. */
  const updated = (): { readonly client: TestStream; readonly answer: Response | undefined } => {
    const client = stream(mode, snapshot({ clusters: all(0) }));
    client.ack(ask(client, CDS)[0]);
    return { client, answer: client.publish({ clusters: all(1) })[0] };
  };
  /** What the client holds once it accepts: names with a salt of 1. */
  const advanced = (responses: readonly Response[]): string[] =>
    responses.flatMap(({ resources }) =>
      resources.filter(({ name, version }) => version === cluster(name, { salt: 1 }).version).map(({ name }) => name),
    );

  it('is sent everything but the resource that its message names', () => {
    const { client, answer } = updated();
    const [next] = client.nack(answer, 'Error adding/updating cluster(s) c: no such lb policy');
    expect(advanced(next === undefined ? [] : [next])).toEqual(names.filter((name) => name !== 'c'));
    expect(client.rejected()).toMatchObject({ names: ['c'] });
    const old = mode === 'sotw' ? [cluster('c', { salt: 0 })] : [];
    expect(next?.resources.filter(({ name }) => name === 'c')).toEqual(old);
    expect(client.ack(next)).toEqual([]);
  });

  it('is sent nothing again if all that was new is what it rejects', () => {
    const { client, answer } = updated();
    client.ack(answer);
    const [one] = client.publish({ clusters: [cluster('a', { salt: 2 }), ...all(1).slice(1)] });
    expect(client.nack(one, 'no reason given')).toEqual([]);
    expect(client.rejected()).toMatchObject({ names: ['a'] });
  });

  it('is sent what it rejected as soon as that has changed', () => {
    const { client, answer } = updated();
    client.ack(answer);
    const [bad] = client.publish({ clusters: [cluster('a', { salt: 2 }), ...all(1).slice(1)] });
    client.nack(bad, 'no');
    const [good] = client.publish({ clusters: [cluster('a', { salt: 3 }), ...all(1).slice(1)] });
    expect(good?.resources).toContainEqual(cluster('a', { salt: 3 }));
    expect(client.ack(good)).toEqual([]);
    expect(client.state.subscriptions[0]).toMatchObject({ error: '' });
  });

  it('is sent other changes while something stays rejected', () => {
    const { client, answer } = updated();
    const [next] = client.nack(answer, 'cluster a is bad');
    client.ack(next);
    const [later] = client.publish({ clusters: [cluster('a', { salt: 1 }), cluster('b', { salt: 2 }), ...all(1).slice(2)] });
    expect(later?.resources).toContainEqual(cluster('b', { salt: 2 }));
    expect(later?.resources).not.toContainEqual(cluster('a', { salt: 1 }));
  });

  it('without naming a culprit is tried with halves until it is found, and holds everything else then', () => {
    const { client, answer } = updated();
    const held = new Set<string>();
    const waiting = answer === undefined ? [] : [answer];
    let sent = 0;
    for (let response = waiting.shift(); response !== undefined; response = waiting.shift()) {
      sent++;
      const fresh = advanced([response]);
      const isBad = fresh.includes('f');
      if (!isBad) for (const name of fresh) held.add(name);
      waiting.push(...(isBad ? client.nack(response, 'something is wrong') : client.ack(response)));
    }
    expect([...held].toSorted()).toEqual(names.filter((name) => name !== 'f'));
    expect(client.rejected()).toMatchObject({ names: ['f'] });
    expect(sent).toBeLessThanOrEqual(1 + 2 * Math.log2(names.length));
  });

  it('everything costs a bounded number of responses', () => {
    const many = Array.from({ length: 1000 }, (_, index) => cluster(`n${index}`));
    const client = stream(mode, snapshot({ clusters: many }));
    let [response] = ask(client, CDS);
    let sent = 0;
    for (; response !== undefined && sent < 1000; sent++) [response] = client.nack(response, 'no');
    expect(sent).toBeLessThan(80);
  });

  it('a response with nothing new in it is sent nothing more', () => {
    const client = stream(mode, snapshot({ clusters: all(0) }));
    client.ack(ask(client, CDS)[0]);
    const [removal] = client.publish({ clusters: all(0).slice(1) });
    expect(client.nack(removal, 'no')).toEqual([]);
  });

  it('a route keeps the clusters that the route it has in its place names', () => {
    const before = {
      clusters: [cluster('old')],
      endpoints: [endpoints('old')],
      listeners: [listener('l', 'r')],
      routes: [routes('r', ['old'])],
    };
    const client = stream(mode, snapshot(before));
    client.ack(ask(client, CDS)[0]);
    client.ack(ask(client, EDS, ['old'])[0], ['old']);
    client.ack(ask(client, RDS, ['r'])[0], ['r']);
    const after = { ...before, clusters: [], endpoints: [], routes: [routes('r', ['gone'], { salt: 1 })] };
    const [route] = client.publish(after);
    expect(client.nack(route, 'r is bad', ['r'])).toEqual([]);
    expect(client.feed({ kind: 'overdue' })).toEqual([]);
    const [repaired] = client.publish({ ...after, routes: [routes('r', [], { salt: 2 })] });
    expect(told(client.ack(repaired, ['r']))).toContain(mode === 'sotw' ? 'CDS' : 'CDS -old');
  });
});

describe('isolation', () => {
  const twoClients = (mode: Mode) => {
    const history = new History();
    const good = snapshot({ clusters: all(0) });
    const client = stream(mode, good, history);
    client.ack(ask(client, CDS)[0]);
    return { history, client };
  };

  it('on one stream leaves other streams alone', () => {
    const { history, client } = twoClients('delta');
    const other = stream('delta', client.state.snapshot, history);
    other.ack(ask(other, CDS)[0]);
    const [answer] = client.publish({ clusters: all(1) });
    client.nack(answer, 'cluster a is bad');
    const snapshotNow = client.state.snapshot;
    const told = snapshotNow === undefined ? [] : other.feed({ kind: 'snapshot', snapshot: snapshotNow });
    expect(told[0]?.resources.map(({ name }) => name)).toEqual(names);
  });

  it('after a reconnect in SotW puts the version that clients have accepted last in the place of a rejected one', () => {
    const { history, client } = twoClients('sotw');
    client.publish({ clusters: all(1) });
    const again = stream('sotw', client.state.snapshot, history);
    const [answer] = ask(again, CDS);
    const [next] = again.nack(answer, 'cluster a is bad');
    expect(next?.resources).toContainEqual(cluster('a', { salt: 0 }));
    expect(next?.resources).toContainEqual(cluster('b', { salt: 1 }));
  });

  it('after a reconnect in SotW does not forget that the client may still have what is gone by now', () => {
    const client = stream('sotw', snapshot({ clusters: [cluster('a')] }));
    client.nack(ask(client, CDS)[0], 'cluster a is bad');
    expect(client.publish({})).toMatchObject([{ typeUrl: CDS, resources: [] }]);
  });

  it('after a reconnect in Delta leaves alone what the client says to hold', () => {
    const client = stream('delta', snapshot({ clusters: all(1) }));
    const [answer] = client.delta({ typeUrl: CDS, initial: Object.fromEntries(names.map((name) => [name, 'from before'])) });
    const [next] = client.nack(answer, 'cluster a is bad');
    expect(next?.resources.map(({ name }) => name)).toEqual(names.slice(1));
    expect(next?.removed).toEqual([]);
  });

  it.each(['sotw', 'delta'] as const)(
    'in %s never puts a version that was rejected itself in the place of a later one, sent before that was known',
    (mode) => {
      const client = stream(mode, snapshot({ clusters: [cluster('a')] }));
      const [first] = ask(client, CDS);
      client.feed({ kind: 'overdue' });
      const [second] = client.publish({ clusters: [cluster('a', { salt: 1 }), cluster('b')] });
      expect(client.nack(first, 'no')).toEqual([]);
      const held = new Set<string>();
      let last = second;
      for (let tries = 0; last !== undefined && tries < 20; tries++) {
        const sent = last.resources.map(({ name }) => name);
        expect(tries === 0 || !last.resources.some(({ version }) => version === cluster('a').version)).toBe(true);
        if (!sent.includes('a')) for (const name of sent) held.add(name);
        [last] = sent.includes('a') ? client.nack(last, 'no') : client.ack(last);
      }
      expect(last).toBeUndefined();
      expect([...held]).toEqual(['b']);
    },
  );

  it('ends with a version that was sent before the rejection of the one before it came', () => {
    const client = stream('sotw', snapshot({ endpoints: [endpoints('a'), endpoints('b')] }));
    const [first] = client.sotw({ typeUrl: EDS, names: ['a'] });
    client.publish({ endpoints: [endpoints('a', { salt: 1 }), endpoints('b')] });
    const [second] = client.sotw({ typeUrl: EDS, names: ['a', 'b'] });
    expect(second?.resources).toContainEqual(endpoints('a', { salt: 1 }));
    client.nack(first, 'no', ['a', 'b']);
    client.ack(second, ['a', 'b']);
    expect(client.state.subscriptions[0]?.isolated.size).toBe(0);
  });

  it('does not lose a rejection that comes after names were asked for', () => {
    const client = stream('sotw', snapshot({ endpoints: [endpoints('a'), endpoints('b')] }));
    const [first] = client.sotw({ typeUrl: EDS, names: ['a'] });
    const [second] = client.sotw({ typeUrl: EDS, names: ['a', 'b'] });
    expect(second?.resources).toEqual([endpoints('b')]);
    expect(client.nack(first, 'no', ['a', 'b'])).toEqual([]);
    expect(client.rejected()).toMatchObject({ names: ['a'] });
    expect(client.ack(second, ['a', 'b'])).toEqual([]);
  });
});
