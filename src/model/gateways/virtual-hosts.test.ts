import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HTTPRoute } from '../../api/generated/gateway-api.ts';
import type { HttpRule, RouteEntry } from '../graph.ts';
import type { RouteNode } from '../route-node.ts';
import type { Attached } from './attach.ts';
import { hostsOn } from './hostnames.ts';
import { virtualHostsMaker } from './virtual-hosts.ts';

const nodeOf = (name: string, revision: number): RouteNode => {
  const key = `HTTPRoute/default/${name}` as const;
  const match = { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [], grpc: false } as const;
  const entries: readonly RouteEntry[] = [{ id: `${name}/${revision}`, owner: key, match, rule: {} as HttpRule }];
  return { key, kind: 'HTTPRoute', hostnames: [], entries, streams: [], backends: [], secrets: [] };
};

const listenerHosts = ['*', '*.example', 'a.example'] as const;
const names = ['a.example', 'b.example', 'c.example', 'x.a.example', '*.example', '*'] as const;

/** Routes as they are attached, oldest first; equal specifications are the same object. */
const routes = new Map<string, Attached>();
const attachedOf = (listener: string, age: number, hosts: readonly string[], revision: number): Attached => {
  const id = JSON.stringify([listener, age, hosts, revision]);
  const known = routes.get(id) ?? { route: {} as HTTPRoute, node: nodeOf(`r${age}`, revision), hosts: hostsOn(listener, hosts) };
  routes.set(id, known);
  return known;
};

const route = fc.record({
  age: fc.nat(8),
  hosts: fc.uniqueArray(fc.constantFrom(...names.slice(0, 4), ...names), { minLength: 1, maxLength: 2 }),
  revision: fc.nat(2),
});
const generation = fc.uniqueArray(route, { selector: ({ age }) => age, maxLength: 8 });

describe('virtual hosts, made from those before', () => {
  it.each(listenerHosts)('are those that are made anew, for a listener of %s', (host) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(generation, fc.subarray([...listenerHosts])), { minLength: 2, maxLength: 8 }), (generations) => {
        const make = virtualHostsMaker(host);
        for (const [specs, others] of generations) {
          const neighbours = [...new Set([host, ...others])];
          const attached = specs
            .toSorted((one, other) => one.age - other.age)
            .map(({ age, hosts, revision }) => attachedOf(host, age, hosts, revision))
            .filter(({ hosts }) => hosts.size > 0);
          const { virtualHosts, misdirected } = make(neighbours, attached);
          const anew = virtualHostsMaker(host)(neighbours, attached);
          expect({ virtualHosts, misdirected }).toEqual({ virtualHosts: anew.virtualHosts, misdirected: anew.misdirected });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are the same objects but for the routes that changed', () => {
    const make = virtualHostsMaker('*');
    const all = Array.from({ length: 20 }, (_, age) => attachedOf('*', age, [`h${age}.example`], 0));
    const before = make(['*'], all).virtualHosts;
    const after = make(
      ['*'],
      all.map((one, age) => (age === 7 ? attachedOf('*', 7, ['h7.example'], 1) : one)),
    ).virtualHosts;
    expect(after.filter((virtualHost, index) => virtualHost !== before[index]).map(({ domain }) => domain)).toEqual(['h7.example']);
  });
});
