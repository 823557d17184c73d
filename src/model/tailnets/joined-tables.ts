import { areSame, sameElements } from '../../lib/memo.ts';
import { changedKeysOf, type FollowingTable } from '../../lib/readers.ts';

/** How tables of tailnets with these names answer as one. */
export type Join = <R>(names: readonly string[], tables: readonly FollowingTable<R>[]) => FollowingTable<R>;
type Parts<R> = { readonly names: readonly string[]; readonly tables: readonly FollowingTable<R>[] };

/** Puts one table together from those of tailnets with these names; the same table while these are the same. */
export const joiner = <R>(join: Join): ((names: readonly string[], tables: readonly FollowingTable<R>[]) => FollowingTable<R>) => {
  let last: (Parts<R> & { readonly table: FollowingTable<R> }) | undefined;
  return (names, tables) => {
    const isSame = last !== undefined && areSame(last.names, names) && areSame(last.tables, tables);
    if (last !== undefined && isSame) return last.table;
    const since = last?.table.version && { token: last.table.version.token, keys: differingKeys(last, { names, tables }) };
    const version = since?.keys === undefined ? { token: {} } : { token: {}, since: { token: since.token, keys: since.keys } };
    last = { names, tables, table: { ...join(names, tables), version } };
    return last.table;
  };
};

/** Keys under which tables differ that tell so; undefined where one does not, or where other tailnets are there. */
const differingKeys = <R>(before: Parts<R>, after: Parts<R>): ReadonlySet<string> | undefined => {
  if (sameElements(before.names, after.names) !== before.names) return undefined;
  const keys = new Set<string>();
  for (const [index, table] of after.tables.entries()) {
    const former = before.tables[index];
    if (table === former) continue;
    const changed = changedKeysOf(former, table);
    if (changed === undefined) return undefined;
    for (const key of changed) keys.add(key);
  }
  return keys;
};

/** Every table knows its own keys only: there is no need to tell from a key whose it is, which would cost more than to ask. */
export const anywhere: Join = (_names, tables) => ({
  get: (key) => {
    for (const table of tables) {
      const found = table.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  },
});

/** For tables that answer any key: it is asked of the tailnet that its beginning names, without it. */
export const inItsTailnet: Join = (names, tables) => {
  const byName = new Map(names.map((name, index) => [name, tables[index]]));
  return {
    get: (key) => {
      const slash = key.indexOf('/');
      return byName.get(key.slice(0, slash))?.get(key.slice(slash + 1));
    },
  };
};
