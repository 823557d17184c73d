import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/model/graph.ts';
import { entryOf, gatewayOf, graphOf, hostOf, listenerOf, socketOf } from '../../test/support/graph.ts';
import type { Resources } from '../resources.ts';
import { byDomain, partsMaker, scopeOf, scopes } from './scopes.ts';
import { translator } from './translate.ts';

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
const hostName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

describe('the scope of a host', () => {
  it('is one of those there are, whatever the name', () => {
    fc.assert(
      fc.property(fc.oneof(hostName, fc.string()), (host) => {
        expect(scopes).toContain(scopeOf(host));
      }),
    );
  });

  it('does not depend on the port and the case that a request names it with', () => {
    fc.assert(
      fc.property(hostName, fc.oneof(fc.nat().map(String), fc.string()), (host, port) => {
        expect(scopeOf(`${host.toUpperCase()}:${port}`)).toBe(scopeOf(host));
      }),
    );
  });

  it.each([
    ['numbered', (index: number) => `r${index}.churn.example`],
    ['numbered with zeros', (index: number) => `shop-${String(index).padStart(5, '0')}.apps.example.com`],
    ['of a name and a stage', (index: number) => `${index.toString(26)}.${['dev', 'test', 'prod'][index % 3]}.example`],
    ['of hexadecimal digits', (index: number) => `${(Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16)}.preview.example.com`],
  ])('spreads hosts %s: no scope has three times its share', (_, hostAt) => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 3000; index += 1) counts.set(scopeOf(hostAt(index)), (counts.get(scopeOf(hostAt(index))) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBeLessThan((3 * 3000) / scopes.length);
  });
});

describe('parts', () => {
  const domains = [...Array.from({ length: 12 }, (_, index) => `app-${index}.example`), '*.example'];
  /** Two hosts for each domain, of which a list has one at most. */
  const hosts = domains.map((domain) => [hostOf(domain, entryOf('one')), hostOf(domain, entryOf('other'))] as const);
  const isSame = (one: readonly unknown[], other: readonly unknown[]): boolean =>
    one.length === other.length && one.every((value, index) => value === other[index]);
  const anyAnswers = fc.record({
    hosts: fc
      .array(fc.constantFrom(0, 1, undefined), { minLength: domains.length, maxLength: domains.length })
      .map((chosen) => hosts.flatMap(([one, other], index) => [[one], [other], []][chosen[index] ?? 2] ?? []))
      .chain((all) => fc.shuffledSubarray(all, { minLength: all.length })),
    misdirected: fc.constantFrom(['a.example'], ['b.example']),
  });

  it('are after any changes what they are made from nothing, and the same objects while they hold the same', () => {
    fc.assert(
      fc.property(fc.array(anyAnswers, { minLength: 1, maxLength: 10 }), (history) => {
        const make = partsMaker();
        let before = make({ hosts: [], misdirected: ['a.example'] });
        for (const answers of history) {
          const parts = make(answers);
          expect(parts).toEqual(partsMaker()(answers));
          for (const [scope, part] of parts) {
            expect(part.hosts).toEqual(part.hosts.toSorted(byDomain));
            const last = before.get(scope);
            const stays = last !== undefined && isSame(last.hosts, part.hosts) && isSame(last.misdirected, part.misdirected);
            if (stays) expect(part).toBe(last);
          }
          before = parts;
        }
      }),
    );
  });
});

describe('a listener with very many hosts', () => {
  const gatewayWith = (...domains: readonly string[]): Gateway =>
    gatewayOf({ sockets: [socketOf(80, listenerOf('http', ...domains.map((domain) => hostOf(domain, entryOf(domain)))))] });
  const edgeOf = (all: ReadonlyMap<string, Resources>): Resources => {
    const found = all.get('default/edge');
    if (found === undefined) throw new Error('unreachable: the edge is in every graph here');
    return found;
  };
  const exact = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `app-${index}.example`);
  const domainsIn = ({ RouteConfiguration }: Resources, name: string): readonly string[] =>
    (RouteConfiguration.get(name)?.message.virtualHosts ?? []).flatMap(({ domains = [] }) => domains);
  const asksForParts = ({ Listener }: Resources): boolean => JSON.stringify(Listener.get('tcp/80')?.message).includes('scopedRoutes');

  it('has each exact host in the part of its scope, every wildcard host in all, and all in the whole', () => {
    const wide = ['*', '*.example', '*.other.example'];
    const resources = edgeOf(translator()(graphOf([gatewayWith(...exact(300), ...wide)])));
    expect(asksForParts(resources)).toBe(true);
    expect([...resources.ScopedRouteConfiguration.keys()]).toEqual(scopes.map((scope) => `http/80/${scope}`));
    for (const scope of scopes) {
      const own = exact(300).filter((host) => scopeOf(host) === scope);
      expect([...domainsIn(resources, `http/80/${scope}`)].toSorted()).toEqual([...own, ...wide].toSorted());
    }
    expect(domainsIn(resources, 'http/80')).toHaveLength(303);
  });

  it.each([
    ['few hosts', exact(255)],
    [
      'many wildcard hosts, which every part would repeat',
      [...exact(300), ...Array.from({ length: 20 }, (_, index) => `*.zone-${index}.example`)],
    ],
  ])('is one with its whole when it has %s', (_, domains) => {
    const resources = edgeOf(translator()(graphOf([gatewayWith(...domains)])));
    expect(asksForParts(resources)).toBe(false);
    expect([...resources.RouteConfiguration.keys()]).toEqual(['http/80']);
    expect(resources.ScopedRouteConfiguration.size).toBe(0);
  });

  it('changes one part, beside the whole, when a route changes', () => {
    const translate = translator();
    const hosts = exact(300).map((domain) => hostOf(domain, entryOf(domain)));
    const graphWith = (virtualHosts: typeof hosts) =>
      graphOf([gatewayOf({ sockets: [socketOf(80, listenerOf('http', ...virtualHosts))] })]);
    const before = edgeOf(translate(graphWith(hosts)));
    const after = edgeOf(translate(graphWith(hosts.map((host, index) => (index === 7 ? hostOf(host.domain, entryOf('another')) : host)))));
    const changed = [...after.RouteConfiguration].filter(([name, resource]) => resource !== before.RouteConfiguration.get(name));
    expect(changed.map(([name]) => name)).toEqual(['http/80', `http/80/${scopeOf('app-7.example')}`]);
    expect(after.Listener).toBe(before.Listener);
    expect(after.ScopedRouteConfiguration).toBe(before.ScopedRouteConfiguration);
  });

  it('keeps its parts when it becomes small, for connections that began with them', () => {
    const translate = translator();
    translate(graphOf([gatewayWith(...exact(300))]));
    const small = edgeOf(translate(graphOf([gatewayWith('app-1.example')])));
    expect(asksForParts(small)).toBe(false);
    expect(domainsIn(small, `http/80/${scopeOf('app-1.example')}`)).toEqual(['app-1.example']);
    expect(edgeOf(translate(graphOf([gatewayOf()]))).ScopedRouteConfiguration.size).toBe(0);
  });
});
