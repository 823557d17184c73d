import { describe, expect, it } from 'vitest';
import { ask, stream, type TestStream, told } from '../../test/support/ads-stream.ts';
import { cluster, endpoints, extension, listener, routes, scope, snapshot, type World } from '../../test/support/ads-world.ts';
import { isWaiting } from './state.ts';
import { CDS, ECDS, EDS, LDS, RDS, SRDS } from './types.ts';

const ab = { clusters: [cluster('a'), cluster('b')], endpoints: [endpoints('a'), endpoints('b')] };

describe.each(['sotw', 'delta'] as const)('%s stream', (mode) => {
  it('answers nothing before its group has a snapshot, and everything asked for once it has', () => {
    const client = stream(mode);
    expect(ask(client, CDS)).toEqual([]);
    expect(ask(client, EDS, ['a'])).toEqual([]);
    expect(told(client.publish(ab))).toEqual(['CDS a b', 'EDS a']);
  });

  it('answers a first request without names with everything, for clusters and listeners', () => {
    expect(told(ask(stream(mode, snapshot(ab)), CDS))).toEqual(['CDS a b']);
  });

  it('answers a first request for everything even when there is nothing', () => {
    expect(told(ask(stream(mode, snapshot({})), LDS))).toEqual(['LDS']);
  });

  it('takes a first request without names for nothing, for types asked for by name', () => {
    expect(ask(stream(mode, snapshot(ab)), EDS)).toEqual([]);
  });

  it('answers an explicit * with everything, of every type', () => {
    expect(told(ask(stream(mode, snapshot(ab)), EDS, ['*']))).toEqual(['EDS a b']);
  });

  it('does not take a list with one empty name for a wildcard', () => {
    const [answer] = ask(stream(mode, snapshot(ab)), CDS, ['']);
    expect(answer?.resources ?? []).toEqual([]);
  });

  it('does not answer an ACK', () => {
    const client = stream(mode, snapshot(ab));
    const [answer] = ask(client, CDS);
    expect(client.ack(answer)).toEqual([]);
  });

  it('gives every response of a stream its own nonce', () => {
    const client = stream(mode, snapshot(ab));
    const nonces = [...ask(client, CDS), ...ask(client, EDS, ['a', 'b']), ...ask(client, LDS)].map(({ nonce }) => nonce);
    expect(new Set(nonces).size).toBe(3);
  });

  it('has one response of a type in flight, and what is newest follows its ACK', () => {
    const client = stream(mode, snapshot(ab));
    const [first] = ask(client, EDS, ['a']);
    expect(client.publish({ ...ab, endpoints: [endpoints('a', { salt: 1 }), endpoints('b')] })).toEqual([]);
    expect(client.publish({ ...ab, endpoints: [endpoints('a', { salt: 2 }), endpoints('b')] })).toEqual([]);
    const [second, ...more] = client.ack(first, ['a']);
    expect(second?.resources).toEqual([endpoints('a', { salt: 2 })]);
    expect(more).toEqual([]);
  });

  it('answers names asked for anew although an older response is not acknowledged', () => {
    const client = stream(mode, snapshot(ab));
    ask(client, EDS, ['a']);
    expect(
      told(mode === 'sotw' ? client.sotw({ typeUrl: EDS, names: ['a', 'b'] }) : client.delta({ typeUrl: EDS, subscribe: ['b'] })),
    ).toEqual(['EDS b']);
  });

  it('takes the names of a request whose nonce is out of date', () => {
    const client = stream(mode, snapshot(ab));
    ask(client, EDS, ['a']);
    const late = { typeUrl: EDS, nonce: 'long ago' };
    expect(told(mode === 'sotw' ? client.sotw({ ...late, names: ['a', 'b'] }) : client.delta({ ...late, subscribe: ['b'] }))).toEqual([
      'EDS b',
    ]);
  });

  it('sends nothing while the transport is busy, and then only what is newest', () => {
    const client = stream(mode, snapshot(ab));
    const [answer] = ask(client, EDS, ['a']);
    client.ack(answer, ['a']);
    client.state.writable = false;
    expect(client.publish({ ...ab, endpoints: [endpoints('a', { salt: 1 })] })).toEqual([]);
    expect(client.publish({ ...ab, endpoints: [endpoints('a', { salt: 2 })] })).toEqual([]);
    expect(client.feed({ kind: 'drained' }).map(({ resources }) => resources)).toEqual([[endpoints('a', { salt: 2 })]]);
  });

  it('sends nothing for a snapshot that changes nothing the client asked for', () => {
    const client = stream(mode, snapshot(ab));
    const [answer] = ask(client, EDS, ['a']);
    client.ack(answer, ['a']);
    expect(client.publish({ ...ab, endpoints: [endpoints('a'), endpoints('b', { salt: 1 })] })).toEqual([]);
  });

  it('remembers a name that does not exist and sends it when it does', () => {
    const client = stream(mode, snapshot(ab));
    const [answer] = ask(client, EDS, ['a', 'c']);
    client.ack(answer, ['a', 'c']);
    expect(told(client.publish({ ...ab, endpoints: [...ab.endpoints, endpoints('c')] }))).toEqual(['EDS c']);
  });

  it('sends again what was unsubscribed and is subscribed to again', () => {
    const client = stream(mode, snapshot(ab));
    const [answer] = ask(client, EDS, ['a', 'b']);
    client.ack(answer, ['a', 'b']);
    const less = mode === 'sotw' ? client.sotw({ typeUrl: EDS, names: ['a'] }) : client.delta({ typeUrl: EDS, unsubscribe: ['b'] });
    const more = mode === 'sotw' ? client.sotw({ typeUrl: EDS, names: ['a', 'b'] }) : client.delta({ typeUrl: EDS, subscribe: ['b'] });
    expect([less, more].map(told)).toEqual([[], ['EDS b']]);
  });

  it('sends nothing of a type after everything of it was unsubscribed', () => {
    const client = stream(mode, snapshot(ab));
    const [answer] = ask(client, CDS, ['a']);
    client.ack(answer, ['a']);
    if (mode === 'sotw') client.sotw({ typeUrl: CDS });
    else client.delta({ typeUrl: CDS, unsubscribe: ['a'] });
    expect(client.publish({ clusters: [cluster('a', { salt: 1 })] })).toEqual([]);
  });

  it('serves types it knows nothing of by the general rules', () => {
    const other = 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig';
    const [answer] = ask(stream(mode, snapshot(ab)), other, ['filter']);
    expect(answer?.resources ?? []).toEqual([]);
  });

  it('does nothing more once it is closed', () => {
    const client = stream(mode, snapshot(ab));
    ask(client, CDS);
    client.feed({ kind: 'closed' });
    expect(client.publish({})).toEqual([]);
  });
});

describe('SotW stream', () => {
  it('sends all clusters when one changes, because absence deletes', () => {
    const client = stream('sotw', snapshot(ab));
    const [answer] = client.sotw({ typeUrl: CDS });
    client.ack(answer);
    expect(told(client.publish({ ...ab, clusters: [cluster('a', { salt: 1 }), cluster('b')] }))).toEqual(['CDS a b']);
  });

  it('sends only the endpoints that changed', () => {
    const client = stream('sotw', snapshot(ab));
    const [answer] = client.sotw({ typeUrl: EDS, names: ['a', 'b'] });
    client.ack(answer, ['a', 'b']);
    expect(told(client.publish({ ...ab, endpoints: [endpoints('a', { salt: 1 }), endpoints('b')] }))).toEqual(['EDS a']);
  });

  it('takes an empty list after names for the end of the subscription, not for everything', () => {
    const client = stream('sotw', snapshot(ab));
    const [answer] = client.sotw({ typeUrl: CDS, names: ['a'] });
    client.ack(answer, ['a']);
    expect(client.sotw({ typeUrl: CDS, names: [] })).toEqual([]);
    expect(client.publish({})).toEqual([]);
  });

  it('ends the legacy wildcard with the first name', () => {
    const client = stream('sotw', snapshot(ab));
    const [answer] = client.sotw({ typeUrl: CDS });
    client.ack(answer);
    expect(told(client.sotw({ typeUrl: CDS, names: ['a'] }))).toEqual(['CDS a']);
  });

  it('answers the first request after a reconnect although its version is the current one', () => {
    const now = snapshot(ab);
    const client = stream('sotw', now);
    expect(told(client.sotw({ typeUrl: EDS, names: ['a', 'b'], version: now.get(EDS)?.version ?? '' }))).toEqual(['EDS a b']);
    expect(told(client.sotw({ typeUrl: CDS, version: now.get(CDS)?.version ?? '' }))).toEqual(['CDS a b']);
  });

  it('says nothing of endpoints that are gone: there is no deletion', () => {
    const client = stream('sotw', snapshot(ab));
    const [answer] = client.sotw({ typeUrl: EDS, names: ['a', 'b'] });
    client.ack(answer, ['a', 'b']);
    expect(client.publish({ endpoints: [endpoints('a')] })).toEqual([]);
  });

  it('carries the version of the content, equal for equal content', () => {
    const [first] = stream('sotw', snapshot(ab)).sotw({ typeUrl: CDS });
    const [second] = stream('sotw', snapshot({ ...ab, clusters: ab.clusters.toReversed() })).sotw({ typeUrl: CDS });
    expect(first?.version).toBe(second?.version);
  });
});

describe('Delta stream', () => {
  it('sends only what changed, and names what is gone', () => {
    const client = stream('delta', snapshot(ab));
    const [answer] = client.delta({ typeUrl: CDS });
    client.ack(answer);
    expect(told(client.publish({ ...ab, clusters: [cluster('b', { salt: 1 }), cluster('c')] }))).toEqual(['CDS b c -a']);
  });

  it('answers a name it has sent already when it is subscribed to again', () => {
    const client = stream('delta', snapshot(ab));
    const [answer] = client.delta({ typeUrl: EDS, subscribe: ['a'] });
    client.ack(answer);
    expect(told(client.delta({ typeUrl: EDS, subscribe: ['a'] }))).toEqual(['EDS a']);
  });

  it('tells of a name that does not exist, at once and only once', () => {
    const client = stream('delta', snapshot(ab));
    const [answer, ...more] = client.delta({ typeUrl: EDS, subscribe: ['a', 'none'] });
    expect(told([answer, ...more].filter((response) => response !== undefined))).toEqual(['EDS a -none']);
    expect(client.ack(answer)).toEqual([]);
    expect(told(client.delta({ typeUrl: EDS, subscribe: ['nor this'] }))).toEqual(['EDS -nor this']);
  });

  it('keeps the wildcard when names are added to it', () => {
    const client = stream('delta', snapshot(ab));
    const [answer] = client.delta({ typeUrl: CDS });
    client.ack(answer);
    const [named] = client.delta({ typeUrl: CDS, subscribe: ['a'] });
    client.ack(named);
    expect(told(client.publish({ clusters: [...ab.clusters, cluster('c')] }))).toEqual(['CDS c']);
  });

  it('ends the wildcard when * is unsubscribed, and keeps the names', () => {
    const client = stream('delta', snapshot(ab));
    const [answer] = client.delta({ typeUrl: CDS, subscribe: ['*', 'a'] });
    client.ack(answer);
    expect(client.delta({ typeUrl: CDS, unsubscribe: ['*'] })).toEqual([]);
    expect(told(client.publish({ clusters: [cluster('a', { salt: 1 }), cluster('b', { salt: 1 })] }))).toEqual(['CDS a']);
  });

  it('answers the unsubscription of a name that the wildcard still covers, with it or with its removal', () => {
    const client = stream('delta', snapshot(ab));
    const [answer] = client.delta({ typeUrl: CDS, subscribe: ['*', 'a', 'none'] });
    client.ack(answer);
    expect(told(client.delta({ typeUrl: CDS, unsubscribe: ['a', 'none'] }))).toEqual(['CDS a -none']);
  });

  it('sends everything when * comes after names', () => {
    const client = stream('delta', snapshot(ab));
    const [answer] = client.delta({ typeUrl: CDS, subscribe: ['a'] });
    client.ack(answer);
    expect(told(client.delta({ typeUrl: CDS, subscribe: ['*'] }))).toEqual(['CDS b']);
  });

  it('does not send what the client says to hold in the same version, and removes what it holds for nothing once nothing can refer to it', () => {
    const now = snapshot(ab);
    const client = stream('delta', now);
    const initial = { a: cluster('a').version, b: 'older', gone: 'any' };
    expect(told(client.delta({ typeUrl: CDS, initial }))).toEqual(['CDS b']);
    expect(told(client.feed({ kind: 'overdue' }))).toEqual(['CDS -gone']);
  });

  it('does not send endpoints again that the client says to hold', () => {
    const client = stream('delta', snapshot(ab));
    expect(
      client.delta({ typeUrl: EDS, subscribe: ['a', 'b'], initial: { a: endpoints('a').version, b: endpoints('b').version } }),
    ).toEqual([]);
  });

  it('counts what the client says to hold also when its group gets its snapshot later', () => {
    const client = stream('delta');
    client.delta({ typeUrl: CDS, initial: { a: cluster('a').version, gone: 'any' } });
    expect(told(client.publish(ab))).toEqual(['CDS b']);
    expect(told(client.feed({ kind: 'overdue' }))).toEqual(['CDS -gone']);
  });

  it('does not tell that endpoints are gone to a client that drops them by itself', () => {
    const client = stream('delta', snapshot(ab));
    const [clusters] = client.delta({ typeUrl: CDS });
    const [answer] = client.delta({ typeUrl: EDS, subscribe: ['a', 'b'] });
    client.ack(clusters);
    client.ack(answer);
    const [removal] = client.publish({ clusters: [cluster('a')], endpoints: [endpoints('a')] });
    expect(client.ack(removal)).toEqual([]);
    expect(client.delta({ typeUrl: EDS, unsubscribe: ['b'] })).toEqual([]);
  });

  it('tells that endpoints are gone after all, if the client goes on asking for them', () => {
    const client = stream('delta', snapshot(ab));
    const [clusters] = client.delta({ typeUrl: CDS });
    const [answer] = client.delta({ typeUrl: EDS, subscribe: ['a', 'b'] });
    client.ack(clusters);
    client.ack(answer);
    const [removal] = client.publish({ clusters: [cluster('a')], endpoints: [endpoints('a')] });
    client.ack(removal);
    expect(told(client.feed({ kind: 'overdue' }))).toEqual(['EDS -b']);
  });
});

describe.each(['sotw', 'delta'] as const)('order on a %s stream', (mode) => {
  const before = { ...ab, listeners: [listener('l', 'r')], routes: [routes('r', ['a'])] };
  /** An Envoy that has everything. */
  const connected = (world: World): TestStream => {
    const client = stream(mode, snapshot(world));
    const endpointNames = (world.endpoints ?? []).map(({ name }) => name);
    client.ack(ask(client, CDS)[0]);
    client.ack(ask(client, EDS, endpointNames)[0], endpointNames);
    client.ack(ask(client, LDS)[0]);
    client.ack(ask(client, RDS, ['r'])[0], ['r']);
    return client;
  };
  const added = {
    ...before,
    clusters: [...before.clusters, cluster('c')],
    endpoints: [...before.endpoints, endpoints('c')],
    routes: [routes('r', ['a', 'c'])],
  };

  it('sends a new cluster, then its endpoints when asked for, and only then the routes that name it', () => {
    const client = connected(before);
    const [clusters, ...early] = client.publish(added);
    expect(early).toEqual([]);
    const asked =
      mode === 'sotw' ? client.sotw({ typeUrl: EDS, names: ['a', 'b', 'c'] }) : client.delta({ typeUrl: EDS, subscribe: ['c'] });
    expect(told(asked)).toEqual(['EDS c', 'RDS r']);
    expect(client.ack(clusters)).toEqual([]);
  });

  it('holds routes back also when the client accepts the cluster before it asks for the endpoints', () => {
    const client = connected(before);
    const [clusters] = client.publish(added);
    expect(client.ack(clusters)).toEqual([]);
    const asked =
      mode === 'sotw' ? client.sotw({ typeUrl: EDS, names: ['a', 'b', 'c'] }) : client.delta({ typeUrl: EDS, subscribe: ['c'] });
    expect(told(asked)).toEqual(['EDS c', 'RDS r']);
  });

  it('takes a cluster away only after the routes that named it were replaced and accepted', () => {
    const client = connected(before);
    const [first, ...rest] = client.publish({
      ...before,
      clusters: [cluster('b')],
      endpoints: [endpoints('b')],
      routes: [routes('r', ['b'])],
    });
    expect(told([first, ...rest].filter((response) => response !== undefined))).toEqual(['RDS r']);
    expect(told(client.ack(first, ['r']))).toEqual([mode === 'sotw' ? 'CDS b' : 'CDS -a']);
  });

  it('sends a cluster that comes and keeps one that goes, until routes have moved over', () => {
    const client = connected(before);
    const [clusters] = client.publish({
      ...before,
      clusters: [cluster('b'), cluster('c')],
      endpoints: [endpoints('b'), endpoints('c')],
      routes: [routes('r', ['c'])],
    });
    expect(told(clusters === undefined ? [] : [clusters])).toEqual([mode === 'sotw' ? 'CDS a b c' : 'CDS c']);
    const [assignment, moved] =
      mode === 'sotw' ? client.sotw({ typeUrl: EDS, names: ['a', 'b', 'c'] }) : client.delta({ typeUrl: EDS, subscribe: ['c'] });
    client.ack(assignment, ['a', 'b', 'c']);
    expect(client.ack(clusters)).toEqual([]);
    expect(told(client.ack(moved, ['r']))).toEqual([mode === 'sotw' ? 'CDS b c' : 'CDS -a']);
  });

  it('takes a cluster away at once from a client that has neither listeners nor routes', () => {
    const client = stream(mode, snapshot(before));
    client.ack(ask(client, CDS)[0]);
    expect(told(client.publish({ ...before, clusters: [cluster('b')] }))).toEqual([mode === 'sotw' ? 'CDS b' : 'CDS -a']);
  });

  it('takes a cluster away in the end from a client that never accepts its routes', () => {
    const client = connected(before);
    client.publish({ ...before, clusters: [cluster('b')], endpoints: [endpoints('b')], routes: [routes('r', ['b'])] });
    expect(told(client.feed({ kind: 'overdue' }))).toContain(mode === 'sotw' ? 'CDS b' : 'CDS -a');
  });

  it('sends the routes in the end to a client that never asks for the endpoints of a new cluster', () => {
    const client = connected(before);
    const [clusters] = client.publish(added);
    client.ack(clusters);
    expect(told(client.feed({ kind: 'overdue' }))).toEqual(['RDS r']);
  });

  it('sends the unchanged endpoints of a changed cluster again, because it warms until they come', () => {
    const client = connected(before);
    expect(told(client.publish({ ...before, clusters: [cluster('a', { salt: 1 }), cluster('b')] }))).toEqual([
      mode === 'sotw' ? 'CDS a b' : 'CDS a',
      'EDS a',
    ]);
  });

  it('sends a change of endpoints without waiting for anything else', () => {
    const client = connected(before);
    client.publish({ ...before, routes: [routes('r', ['b'])] });
    expect(
      told(client.publish({ ...before, routes: [routes('r', ['b'])], endpoints: [endpoints('a', { salt: 1 }), endpoints('b')] })),
    ).toEqual(['EDS a']);
  });

  it('sends listeners and routes to a client that asks for no clusters', () => {
    const client = stream(mode, snapshot(before));
    expect(told([...ask(client, LDS), ...ask(client, RDS, ['r'])])).toEqual(['LDS l', 'RDS r']);
  });
});

describe('a proxyless gRPC client', () => {
  it('gets listener, routes, cluster and endpoints one by one, each by name', () => {
    const client = stream('sotw', snapshot({ ...ab, listeners: [listener('l', 'r')], routes: [routes('r', ['a'])] }));
    const asked = [
      client.sotw({ typeUrl: LDS, names: ['l'] }),
      client.sotw({ typeUrl: RDS, names: ['r'] }),
      client.sotw({ typeUrl: CDS, names: ['a'] }),
      client.sotw({ typeUrl: EDS, names: ['a'] }),
    ];
    expect(asked.map(told)).toEqual([['LDS l'], ['RDS r'], ['CDS a'], ['EDS a']]);
  });

  it('learns in LDS and CDS that a name does not exist', () => {
    const client = stream('sotw', snapshot(ab));
    expect(told(client.sotw({ typeUrl: LDS, names: ['none'] }))).toEqual(['LDS']);
  });
});

describe.each(['sotw', 'delta'] as const)('scopes of routes on a %s stream', (mode) => {
  const before = { scopes: [scope('r'), scope('s')], listeners: [listener('l', 'r')], routes: [routes('r', []), routes('s', [])] };
  const other = { ...before, listeners: [listener('l', 's')] };
  /** An Envoy that has a listener with scopes. */
  const connected = (): TestStream => {
    const client = stream(mode, snapshot(before));
    client.ack(ask(client, LDS)[0]);
    client.ack(ask(client, SRDS)[0]);
    client.ack(ask(client, RDS, ['r'])[0], ['r']);
    return client;
  };

  it('follow every change of listeners, as a listener that begins to use them waits until they come', () => {
    expect(told(connected().publish(other))).toEqual(['LDS l', 'SRDS r s']);
  });

  it('are sent by themselves when nothing else changes', () => {
    const answers = connected().publish({ ...before, scopes: [...before.scopes, scope('t')] });
    expect(told(answers)).toEqual([mode === 'sotw' ? 'SRDS r s t' : 'SRDS t']);
  });

  it('are not sent to a client that does not ask for them', () => {
    const client = stream(mode, snapshot(before));
    client.ack(ask(client, LDS)[0]);
    expect(told(client.publish(other))).toEqual(['LDS l']);
  });

  it('are sent again after a reconnect, as a listener may have been waiting for them when the stream ended', () => {
    const now = snapshot(before);
    const client = stream(mode, now);
    const held = Object.fromEntries([...(now.get(SRDS)?.resources ?? [])].map(([name, { version }]) => [name, version]));
    const answers =
      mode === 'sotw'
        ? client.sotw({ typeUrl: SRDS, version: now.get(SRDS)?.version ?? '' })
        : client.delta({ typeUrl: SRDS, subscribe: ['*'], initial: held });
    expect(told(answers)).toEqual(['SRDS r s']);
  });

  it('leave only after the client has accepted the listeners without them', () => {
    const client = connected();
    const [listeners, ...early] = client.publish({ ...before, scopes: [], listeners: [] });
    expect(told(listeners === undefined ? [] : [listeners])).toEqual([mode === 'sotw' ? 'LDS' : 'LDS -l']);
    expect(early).toEqual([]);
    expect(told(client.ack(listeners))).toEqual([mode === 'sotw' ? 'SRDS' : 'SRDS -r -s']);
  });
});

describe.each(['sotw', 'delta'] as const)('filters by name on a %s stream', (mode) => {
  const before = { extensions: [extension('f'), extension('g')], listeners: [listener('l', 'r')], routes: [routes('r', [])] };
  /** An Envoy that has a listener with filter `f`. */
  const connected = (): TestStream => {
    const client = stream(mode, snapshot(before));
    const [listeners] = ask(client, LDS);
    client.ack(ask(client, ECDS, ['f'])[0], ['f']);
    client.ack(listeners);
    return client;
  };

  it('come before listeners, and only those that are asked for', () => {
    const client = connected();
    const after = {
      ...before,
      extensions: [extension('f', { salt: 1 }), extension('g', { salt: 1 }), extension('h')],
      listeners: [listener('l', 'r', { salt: 1 })],
    };
    expect(told(client.publish(after))).toEqual(['ECDS f', 'LDS l']);
  });

  it('change by themselves', () => {
    expect(told(connected().publish({ ...before, extensions: [extension('f', { salt: 1 })] }))).toEqual(['ECDS f']);
  });

  it('that do not exist are said not to where the protocol can, and come as soon as they do', () => {
    const client = connected();
    const answers =
      mode === 'sotw' ? client.sotw({ typeUrl: ECDS, names: ['f', 'new'] }) : client.delta({ typeUrl: ECDS, subscribe: ['new'] });
    expect(told(answers)).toEqual(mode === 'sotw' ? [] : ['ECDS -new']);
    client.ack(answers[0], ['f', 'new']);
    expect(told(client.publish({ ...before, extensions: [...before.extensions, extension('new')] }))).toEqual(['ECDS new']);
  });

  it('stay with a client that asks for them, as connections of the listener that used them do', () => {
    const client = connected();
    const [listeners, ...early] = client.publish({ ...before, extensions: [], listeners: [] });
    expect(told(listeners === undefined ? [] : [listeners])).toEqual([mode === 'sotw' ? 'LDS' : 'LDS -l']);
    expect(told([...early, ...client.ack(listeners), ...client.feed({ kind: 'overdue' })])).toEqual([]);
    expect(isWaiting(client.state)).toBe(false);
  });

  it('come anew for a listener that begins to use them after they were gone', () => {
    const client = connected();
    client.ack(client.publish({ ...before, extensions: [], listeners: [] })[0]);
    if (mode === 'sotw') client.sotw({ typeUrl: ECDS, names: ['other'] });
    else client.delta({ typeUrl: ECDS, unsubscribe: ['f'] });
    client.ack(client.publish(before)[0]);
    const answers = mode === 'sotw' ? client.sotw({ typeUrl: ECDS, names: ['f'] }) : client.delta({ typeUrl: ECDS, subscribe: ['f'] });
    expect(told(answers)).toEqual(['ECDS f']);
  });

  it('that are rejected leave the client with the version before, and its other filters go on', () => {
    const client = stream(mode, snapshot(before));
    client.ack(ask(client, ECDS, ['f', 'g'])[0], ['f', 'g']);
    const [bad] = client.publish({ ...before, extensions: [extension('f', { salt: 1 }), extension('g', { salt: 1 })] });
    expect(told(client.nack(bad, 'f: malformed', ['f', 'g']))).toEqual(['ECDS g']);
    expect(client.rejected()).toMatchObject({ names: ['f'] });
  });
});
