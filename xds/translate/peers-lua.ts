import { byCodeUnit } from '../../src/lib/key.ts';
import type { Peer } from '../../src/model/graph.ts';
import { peerMetadata } from '../names.ts';
import { headerText } from './peers-header.ts';

/** LuaJIT takes 65,536 constants in one function at the most, and an address is one. */
const addressesPerPart = 5000;

/**
 * A script for Envoy's Lua filter that says of a request who its peer is, if it is one of `peers`: in headers for the backend, and in metadata for
 * routes and access logs. What it writes never depends on what the client sent, but for its address. Any text may stand in a peer: all of the script
 * is printable ASCII.
 *
 * The table is made for size. An address, of Tailscale's IPv6 range only what follows that, leads to the number of a machine, a machine's number to its
 * name and to who is behind it, which is told once for all of their machines in the same part, and their tags and groups once for all who have the same.
 */
export const peersScript = (peers: readonly Peer[]): string => {
  const suffix = commonSuffix(peers);
  return [program(suffix), ...partsOf(peers).map((part) => partFrom(part, suffix)), ''].join('\n');
};

/** What every tailnet's IPv6 addresses begin with. */
const range = 'fd7a:115c:a1e0:';

/**
 * `P` adds a part, counted on from those before. `N` holds names: with a dot at the end the tailnet's suffix follows, after a `!` it is another tailnet's.
 * `W` holds five values for everybody: user; login, empty if it is the same; display name; tags and groups, as places in `L`.
 */
const program = (suffix: string): string => `local S = ${luaString(suffix)}
local M = ${luaString(peerMetadata)}
local A, N, I, W, L = {}, {}, {}, {}, {}
local function P(addresses, names, who, people, lists)
  local n, w, l = #N, #W, #L
  for k, v in pairs(addresses) do A[k] = v + n end
  for k = 1, #names do N[n + k] = names[k] I[n + k] = who[k] + w end
  for k = 1, #people, 5 do
    for j = k, k + 2 do W[w + j] = people[j] end
    for j = k + 3, k + 4 do W[w + j] = people[j] + l end
  end
  for k = 1, #lists do L[l + k] = lists[k] end
end
function envoy_on_request(h)
  local info = h:streamInfo()
  local a = info:downstreamRemoteAddress()
  if string.byte(a) == 91 then
    a = string.match(a, "^%[(.*)%]")
    if string.sub(a, 1, ${range.length}) == "${range}" then a = string.sub(a, ${range.length + 1}) end
  else a = string.match(a, "^[^:]*") end
  local i = A[a]
  if i == nil then return end
  local node, name, at = N[i], "", I[i]
  if string.sub(node, 1, 1) == "!" then node = string.sub(node, 2)
  elseif string.sub(node, -1) == "." then name = string.sub(node, 1, -2) node = node .. S
  else name = string.match(node, "^[^.]*") end
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
  const addresses = peers.flatMap((peer, index) => peer.addresses.map((address) => `[${luaString(keyOf(address))}]=${index + 1}`));
  const names = peers.map((peer) => luaString(nameFrom(peer, suffix)));
  const lists = places();
  const people = places();
  const who = peers.map(({ user, displayName, tags, groups }) => {
    const [lower, login] = [user.toLowerCase(), headerText(user)];
    const texts = [lower, login === lower ? '' : login, headerText(displayName)].map(luaString);
    return 5 * (people.of([...texts, lists.of(luaString(listFrom(tags))), lists.of(luaString(listFrom(groups)))].join(',')) - 1) + 1;
  });
  return `;(function() P({${addresses.join(',')}},{${names.join(',')}},{${who.join(',')}},{${people.all()}},{${lists.all()}}) end)()`;
};

const keyOf = (address: string): string => (address.startsWith(range) ? address.slice(range.length) : address);

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
