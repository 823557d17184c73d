import { byCodeUnit } from '../../src/lib/key.ts';
import type { Peer } from '../../src/model/graph.ts';
import { peerMetadata, peerShardKey } from '../names.ts';
import { headerText } from './peers-header.ts';
import { isIPv6 } from './peers-places.ts';

/** LuaJIT takes 65,536 constants in one function at the most, and an address is one. */
const addressesPerPart = 5000;

/**
 * A script for Envoy's Lua filter that says of a request who its peer is, if it is one of `peers`: in headers for the backend, and in metadata for
 * routes and access logs. What it writes never depends on what the client sent, but for its address. Any text may stand in a peer: all of the script
 * is printable ASCII.
 *
 * The table is made for size. An address, only what follows Tailscale's range, leads to the number of a machine, a machine's number to its name and to
 * who is behind it, which is told once for all of their machines in the same part, and their tags and groups once for all who have the same.
 */
export const peersScript = (peers: readonly Peer[]): string => {
  const suffix = commonSuffix(peers);
  return [program(suffix), ...partsOf(peers).map((part) => partFrom(part, suffix)), ''].join('\n');
};

/**
 * A literal of Lua: whatever is not plainly printable by the number of each of its bytes in UTF-8. Envoy takes metadata to end before a zero, and who is
 * `ann` and something after that would be `ann`: it is made a character that stands for none.
 */
const luaString = (text: string): string => {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let escaped = '';
  for (const byte of new TextEncoder().encode(text.replaceAll('\0', '\ufffd')))
    escaped +=
      byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c ? `\\${String(byte).padStart(3, '0')}` : String.fromCharCode(byte);
  return `"${escaped}"`;
};

/** What the addresses of every tailnet begin with, and a table leaves out. Any other address is told by an equals sign before it. */
const ranges = { v4: '100.', v6: 'fd7a:115c:a1e0:' } as const;

/**
 * `P` adds a part, counted on from those before. `N` holds names: with a dot at the end the tailnet's suffix follows, after a `!` it is another tailnet's.
 * `W` holds five values for everybody: user; login, empty if it is the same; display name; tags and groups, as places in `L`.
 */
const program = (suffix: string): string => `local S = ${luaString(suffix)}
local M = ${luaString(peerMetadata)}
local A, N, I, W, L = {}, {}, {}, {}, {}
local byte, match, sub = string.byte, string.match, string.sub
local function P(v4, v6, others, names, who, people, lists)
  local n, w, l = #N, #W, #L
  for k = 1, #names do
    A[v4[k]] = n + k A[v6[k]] = n + k
    N[n + k] = names[k] I[n + k] = who[k] + w
  end
  for k, v in pairs(others) do A[k] = v + n end
  for k = 1, #people, 5 do
    for j = k, k + 2 do W[w + j] = people[j] end
    for j = k + 3, k + 4 do W[w + j] = people[j] + l end
  end
  for k = 1, #lists do L[l + k] = lists[k] end
end
function envoy_on_request(h)
  local info = h:streamInfo()
  local a = info:downstreamRemoteAddress()
  if byte(a) == 91 then a = match(a, "^%[${ranges.v6}(.*)%]") or "=" .. (match(a, "^%[(.*)%]") or a)
  else a = match(a, "^100%.([^:]*)") or "=" .. match(a, "^[^:]*") end
  local i = A[a]
  if i == nil then return end
  local node, name, at = N[i], "", I[i]
  if sub(node, 1, 1) == "!" then node = sub(node, 2)
  elseif sub(node, -1) == "." then name = sub(node, 1, -2) node = node .. S
  else name = match(node, "^[^.]*") end
  local headers, data = h:headers(), info:dynamicMetadata()
  headers:replace("x-tailscale-node", node)
  data:set(M, "node", node)
  data:set(M, "names", name ~= "" and "," .. node .. "," .. name .. "," or "," .. node .. ",")
  local user, login, display, tags, groups = W[at], W[at + 1], W[at + 2], L[W[at + 3]], L[W[at + 4]]
  if login == "" then login = user end
  if user ~= "" then data:set(M, "user", user) headers:replace("tailscale-user-login", login) end
  if display ~= "" then headers:replace("tailscale-user-name", display) end
  if tags ~= "" then data:set(M, "tags", "," .. tags .. ",") headers:replace("x-tailscale-tags", tags) end
  if groups ~= "" then data:set(M, "groups", "," .. groups .. ",") end
end`;

/** What has a comma in it could pass for two: no tailnet has such names, and so nobody has them here. */
const listFrom = (names: readonly string[]): string => names.filter((name) => /^[!-+\--~]+$/.test(name)).join(',');

const nameFrom = ({ node: given, external }: Peer, suffix: string): string => {
  const node = given.replaceAll(',', '');
  if (external) return `!${node}`;
  const rest = node.slice(0, -suffix.length);
  const isUsual = suffix !== '' && node.endsWith(suffix) && rest.length > 1 && rest.indexOf('.') === rest.length - 1;
  return isUsual ? rest : node;
};

/** What most names end with after their first dot; of equally many the first. Empty without names. */
const commonSuffix = (peers: readonly Peer[]): string => {
  const votes = new Map<string, number>();
  for (const { node, external } of peers) {
    const suffix = node.slice(node.indexOf('.') + 1);
    if (!external && suffix !== node) votes.set(suffix, (votes.get(suffix) ?? 0) + 1);
  }
  const [most] = [...votes].toSorted(([a, some], [b, others]) => others - some || byCodeUnit(a, b));
  return most?.[0] ?? '';
};

const partsOf = (peers: readonly Peer[]): readonly (readonly Peer[])[] => {
  const parts: Peer[][] = [];
  let room = 0;
  for (const peer of peers) {
    if (room < peer.addresses.length) {
      parts.push([]);
      room = addressesPerPart;
    }
    room -= peer.addresses.length;
    parts.at(-1)?.push(peer);
  }
  return parts;
};

const partFrom = (peers: readonly Peer[], suffix: string): string => {
  const keys = peers.map(keysOf);
  const others = keys.flatMap(({ rest }, index) => rest.map((key) => `[${luaString(key)}]=${index + 1}`));
  const names = peers.map((peer) => luaString(nameFrom(peer, suffix)));
  const lists = places();
  const people = places();
  const who = peers.map(({ user, displayName, tags, groups }) => {
    const [lower, login] = [user.toLowerCase(), headerText(user)];
    const texts = [lower, login === lower ? '' : login, headerText(displayName)].map(luaString);
    return 5 * (people.of([...texts, lists.of(luaString(listFrom(tags))), lists.of(luaString(listFrom(groups)))].join(',')) - 1) + 1;
  });
  const [v4, v6] = [keys.map(({ v4: key }) => luaString(key)), keys.map(({ v6: key }) => luaString(key))];
  return `;(function() P({${v4.join(',')}},{${v6.join(',')}},{${others.join(',')}},{${names.join(',')}},{${who.join(',')}},{${people.all()}},{${lists.all()}}) end)()`;
};

/** The address of either family that machines of a tailnet have, and what others there may be. Without one, the empty text, which is nobody's. */
const keysOf = ({ addresses }: Peer): { readonly v4: string; readonly v6: string; readonly rest: readonly string[] } => {
  const v4 = addresses.find((address) => !isIPv6(address));
  const v6 = addresses.find(isIPv6);
  return { v4: keyOf(v4), v6: keyOf(v6), rest: addresses.filter((address) => address !== v4 && address !== v6).map(keyOf) };
};

/** A script that says of a request which shard knows its peer's IPv6 address, if an entry, `<shard> <address>`, does. */
export const indexScript = (entries: readonly string[]): string => {
  const shards = Map.groupBy(entries, (entry) => entry.slice(0, entry.indexOf(' ')));
  const parts = [...shards].map(
    ([shard, own]) => `P("${shard}","${own.map((entry) => keyOf(entry.slice(entry.indexOf(' ') + 1))).join(' ')}")`,
  );
  return [indexProgram, ...parts, ''].join('\n');
};

/** `P` adds the addresses of one shard, with spaces between them. */
const indexProgram = `local A = {}
local match = string.match
local function P(shard, keys)
  for key in string.gmatch(keys, "[^ ]+") do A[key] = shard end
end
function envoy_on_request(h)
  local info = h:streamInfo()
  local a = info:downstreamRemoteAddress()
  local shard = A[match(a, "^%[${ranges.v6}(.*)%]") or "=" .. (match(a, "^%[(.*)%]") or a)]
  if shard ~= nil then info:dynamicMetadata():set(${luaString(peerMetadata)}, ${luaString(peerShardKey)}, shard) end
end`;

const keyOf = (address: string | undefined): string => {
  if (address === undefined) return '';
  const range = isIPv6(address) ? ranges.v6 : ranges.v4;
  return address.startsWith(range) ? address.slice(range.length) : `=${address}`;
};

/** Texts, each once, in a list that counts from one. */
const places = () => {
  const known = new Map<string, number>();
  return {
    of: (text: string): number => {
      const place = known.get(text) ?? known.size + 1;
      known.set(text, place);
      return place;
    },
    all: (): string => [...known.keys()].join(','),
  };
};
