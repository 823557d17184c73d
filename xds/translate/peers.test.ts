import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Peer, Peers } from '../../src/model/graph.ts';
import { peerIndexParts, peerShards } from '../names.ts';
import type { Any } from '../types.ts';
import { peersResourcesFrom } from './peers.ts';
import { headerText } from './peers-header.ts';
import { peersScript } from './peers-lua.ts';
import { partOf } from './peers-places.ts';
import { indexNamesOf, shardNamesOf } from './peers-slots.ts';

const peerOf = (address: string, more: Partial<Peer> = {}): Peer => ({
  addresses: [address],
  user: '',
  displayName: '',
  groups: [],
  tags: [],
  node: 'web.tail1.ts.net',
  ...more,
});
const peersOf = (count: number, more: (index: number) => Partial<Peer> = () => ({})): Peers => ({
  byNode: new Map(
    Array.from({ length: count }, (_, index) => [
      `n${index}CNTRL`,
      peerOf(`100.64.${index >> 8}.${index & 255}`, {
        addresses: [`100.64.${index >> 8}.${index & 255}`, `fd7a:115c:a1e0::${index.toString(16)}`],
        node: `m${index}.tail1.ts.net`,
        ...more(index),
      }),
    ]),
  ),
});

type Value = string | number;
/** What a script's parts hold, read by a parser that knows literals, lists and tables of Lua and nothing else. */
const partsIn = (script: string) =>
  script
    .split('\n')
    .filter((line) => line.startsWith(';(function() P('))
    .map((line) => {
      let at = ';(function() P('.length;
      const value = (): Value => {
        if (line[at] !== '"') {
          const [digits = ''] = /^\d+/.exec(line.slice(at)) ?? [];
          at += digits.length;
          return Number(digits);
        }
        const bytes: number[] = [];
        for (at += 1; line[at] !== '"'; at += 1) {
          const code = line.charCodeAt(at);
          if (line[at] !== '\\') bytes.push(code);
          else {
            bytes.push(Number(line.slice(at + 1, at + 4)));
            at += 3;
          }
        }
        at += 1;
        return Buffer.from(bytes).toString();
      };
      const skip = (text: string): void => {
        expect(line.slice(at, at + text.length)).toBe(text);
        at += text.length;
      };
      const table = <T>(element: () => T): T[] => {
        const elements: T[] = [];
        skip('{');
        while (line[at] !== '}') {
          elements.push(element());
          if (line[at] === ',') at += 1;
        }
        at += 1;
        if (line[at] === ',') at += 1;
        return elements;
      };
      const [v4, v6] = [table(value), table(value)];
      const others = table((): [Value, Value] => {
        skip('[');
        const key = value();
        skip(']=');
        return [key, value()];
      });
      const listed = [v4, v6].flatMap((keys) => keys.map((key, index): [Value, Value] => [key, index + 1]));
      const addresses = [...listed.filter(([key]) => key !== ''), ...others];
      const [names, who, people, lists] = [table(value), table(value), table(value), table(value)];
      skip(') end)()');
      return { addresses, names, who, people, lists };
    });

/** As scripts write an address. */
const keyOf = (address: string): string => {
  if (address.startsWith('100.')) return address.slice(4);
  return address.startsWith('fd7a:115c:a1e0:') ? address.slice(15) : `=${address}`;
};

/** What the script would say of each address, as it reads its tables. */
const toldBy = (script: string): Map<string, readonly string[]> => {
  const told = new Map<string, readonly string[]>();
  const suffix = /^local S = "([^"]*)"/.exec(script)?.[1] ?? '';
  for (const { addresses, names, who, people, lists } of partsIn(script))
    for (const [address, place] of addresses) {
      const [name, at] = [String(names[Number(place) - 1]), Number(who[Number(place) - 1]) - 1];
      const [user, login, display, tags, groups] = people.slice(at, at + 5);
      const node = name.startsWith('!') ? name.slice(1) : name.endsWith('.') ? name + suffix : name;
      const listOf = (list: Value | undefined) => String(lists[Number(list) - 1]);
      told.set(String(address), [node, String(user), String(login === '' ? user : login), String(display), listOf(tags), listOf(groups)]);
    }
  return told;
};

type Resources = ReturnType<ReturnType<typeof peersResourcesFrom>>;

/** The script of each resource that has one, behind a matcher or not, by name. */
const scriptsOf = (resources: Resources, among: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    resources
      .filter(({ name }) => among.includes(name))
      .flatMap(({ name, message }) => {
        const outer = message.typedConfig as Any & { readonly extensionConfig?: { readonly typedConfig?: Any } };
        const { defaultSourceCode } = (outer.extensionConfig?.typedConfig ?? outer) as {
          readonly defaultSourceCode?: { readonly inlineString: string };
        };
        return defaultSourceCode === undefined ? [] : [[name, defaultSourceCode.inlineString] as const];
      }),
  );
const tablesOf = (resources: Resources): readonly string[] => [...scriptsOf(resources, shardNamesOf('prod')).values()];

/** The shard that the index tells of each address, as its scripts write addresses. */
const indexIn = (resources: Resources): ReadonlyMap<string, number> =>
  new Map(
    [...scriptsOf(resources, indexNamesOf('prod')).values()].flatMap((script) =>
      [...script.matchAll(/^P\("(\d+)","([^"]*)"\)$/gm)].flatMap(([, shard, keys = '']) =>
        keys.split(' ').map((key) => [key, Number(shard)] as const),
      ),
    ),
  );

describe('a script', () => {
  it('holds whatever stands in names, in printable ASCII', () => {
    const name = fc.string({ unit: 'binary', maxLength: 40 });
    const peers = fc.uniqueArray(
      fc.record({ address: fc.ipV4(), user: name, displayName: name, node: name, tags: fc.array(fc.string()), external: fc.boolean() }),
      { selector: ({ address }) => address, maxLength: 8 },
    );
    const seen = (text: string): string => Buffer.from(text.replaceAll('\0', '\ufffd')).toString();
    fc.assert(
      fc.property(peers, (given) => {
        const all = given.map(({ address, external, ...more }) => peerOf(address, { ...more, ...(external && { external }) }));
        const script = peersScript(all);
        expect(script).toMatch(/^[ -~\n]*$/);
        const told = toldBy(script);
        for (const { addresses, user, displayName, tags } of all) {
          const [, lower, login, display, joined] = told.get(keyOf(addresses[0] ?? '')) ?? [];
          expect([lower, login, display]).toEqual([user.toLowerCase(), headerText(user), headerText(displayName)].map(seen));
          expect(joined).toBe(tags.filter((tag) => /^[!-~]+$/.test(tag) && !tag.includes(',')).join(','));
        }
      }),
    );
  });

  it('knows every address of every machine, in parts that Lua can hold', () => {
    const peers = [...peersOf(2600).byNode.values()];
    const script = peersScript(peers);
    const parts = partsIn(script);
    expect(parts.length).toBeGreaterThan(1);
    for (const { addresses } of parts) expect(addresses.length).toBeLessThanOrEqual(5000);
    const told = toldBy(script);
    for (const { addresses, node } of peers) for (const address of addresses) expect(told.get(keyOf(address))?.[0]).toBe(node);
  });

  it('never takes an address for what another leaves out', () => {
    const inside = ['100.1.2.3', 'fd7a:115c:a1e0:ab12:4843::1', 'fd7a:115c:a1e0::'];
    const outside = ['10.1.2.3', 'ab12:4843::1', '::'];
    const told = toldBy(peersScript([...inside, ...outside].map((address) => peerOf(address, { node: address.replaceAll('.', '-') }))));
    expect(told.size).toBe(6);
    for (const address of [...inside, ...outside]) expect(told.get(keyOf(address))?.[0]).toBe(address.replaceAll('.', '-'));
  });

  it('tells machines of this tailnet from those of another by more than their names', () => {
    const own = peerOf('100.64.0.1', { node: 'ci.tail1.ts.net' });
    const other = peerOf('100.64.0.2', { node: 'db.tail1.ts.net', external: true });
    const names = partsIn(peersScript([own, other]))[0]?.names;
    expect(names).toEqual(['ci.', '!db.tail1.ts.net']);
  });
});

describe('shards', () => {
  it('are always as many, and in a small tailnet all but one do nothing', () => {
    for (const count of [0, 1, 500]) {
      const resources = peersResourcesFrom('prod')(peersOf(count));
      expect(resources.map(({ name }) => name)).toEqual([...indexNamesOf('prod'), ...shardNamesOf('prod')]);
      expect(tablesOf(resources)).toHaveLength(count === 0 ? 0 : 1);
      expect(indexIn(resources).size).toBe(0);
    }
  });

  it('hold each machine once, with all of its addresses, and are about as large as each other', () => {
    const { byNode } = peersOf(2000);
    const scripts = tablesOf(peersResourcesFrom('prod')({ byNode })).map(toldBy);
    expect(scripts).toHaveLength(peerShards);
    for (const told of scripts) expect(told.size).toBeLessThan((1.5 * 4000) / peerShards);
    expect(scripts.reduce((sum, told) => sum + told.size, 0)).toBe(4000);
    for (const { addresses } of byNode.values())
      expect(scripts.filter((told) => addresses.every((address) => told.has(keyOf(address))))).toHaveLength(1);
  });

  it('are found by every address, an IPv4 address by itself and another by the index', () => {
    const odd = peerOf('100.64.200.1', { addresses: ['100.64.200.1', '100.64.200.2', 'fd7a:115c:a1e0::200:1', '::9'] });
    const bare = peerOf('', { addresses: ['fd7a:115c:a1e0::200:2'] });
    const byNode = new Map([...peersOf(2000).byNode, ['odd', odd], ['bare', bare]]);
    const resources = peersResourcesFrom('prod')({ byNode });
    const tables = new Map([...scriptsOf(resources, shardNamesOf('prod'))].map(([name, script]) => [name, toldBy(script)]));
    const index = indexIn(resources);
    const shardFor = (address: string): number => (address.includes(':') ? (index.get(keyOf(address)) ?? -1) : partOf(address, peerShards));
    for (const { addresses, node } of byNode.values())
      for (const address of addresses) expect(tables.get(`peers/prod/${shardFor(address)}`)?.get(keyOf(address))?.[0]).toBe(node);
    expect(index.size).toBe(2003);
  });

  it('other than that of a machine that changes are the same objects', () => {
    for (const count of [100, 10_000]) {
      const translate = peersResourcesFrom('prod');
      const before = translate(peersOf(count));
      const { byNode } = peersOf(count);
      // Equal, though not the same: a new Peers of old Peer objects is what the model gives.
      const peers = new Map(byNode);
      const first = translate({ byNode: peers });
      const changed = peerOf('100.64.0.7', { addresses: ['100.64.0.7', 'fd7a:115c:a1e0::7'], tags: ['tag:new'] });
      const now = { byNode: new Map([...peers, ['n7CNTRL', changed]]) };
      const after = translate(now);
      expect(after).toEqual(peersResourcesFrom('prod')(now));
      expect(before).toHaveLength(peerShards + peerIndexParts);
      expect(after.filter((resource, place) => resource !== first[place])).toHaveLength(1);
    }
  });

  it('and one part of the index are all that a machine that comes changes', () => {
    const translate = peersResourcesFrom('prod');
    const { byNode } = peersOf(2000);
    const before = translate({ byNode });
    const newcomer = peerOf('100.64.99.99', { addresses: ['100.64.99.99', 'fd7a:115c:a1e0::99:99'] });
    const after = translate({ byNode: new Map([...byNode, ['new', newcomer]]) });
    const touched = after.filter((resource, place) => resource !== before[place]).map(({ name }) => name);
    expect(touched).toHaveLength(2);
    expect(touched[0]).toMatch(/^peers\/prod\/index\//);
    expect(touched[1]).toBe(`peers/prod/${partOf('100.64.99.99', peerShards)}`);
  });

  it('do not depend on what was before, nor on the order of machines', () => {
    const peers = peersOf(2000);
    const changed = { byNode: new Map([...peers.byNode].toReversed()) };
    expect(peersResourcesFrom('prod')(changed)).toEqual(peersResourcesFrom('prod')(peers));
    const translate = peersResourcesFrom('prod');
    for (const count of [2500, 10]) translate(peersOf(count));
    expect(translate(peers)).toEqual(peersResourcesFrom('prod')(peers));
  });

  it('become one only when a tailnet is half as large as when it was cut', () => {
    const translate = peersResourcesFrom('prod');
    const used = (count: number): number => tablesOf(translate(peersOf(count))).length;
    expect([400, 600, 400, 251, 250, 400].map(used)).toEqual([1, peerShards, peerShards, peerShards, 1, 1]);
  });
});

it('reckons parts as xxHash64 does', () => {
  // Of the empty text the hash is 0xef46db3751d8e999 (the reference implementation's test vector).
  expect(partOf('', 16)).toBe(9);
  expect(partOf('', 1000)).toBe(Number(0xef46db3751d8e999n % 1000n));
});
