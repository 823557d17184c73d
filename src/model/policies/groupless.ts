import type { Observations } from '../../api/observations.ts';
import type { IdentityRule } from '../graph.ts';
import { autogroups } from '../peers-device.ts';

/** Names of tailnets whose groups cannot be told: who is in one, and so is to be refused, may be anybody there. The same set while it holds the same. */
export const grouplessBuilder = (): ((tailnets: Observations['tailnets']) => ReadonlySet<string>) => {
  let last: ReadonlySet<string> = new Set();
  return (tailnets) => {
    const names = [...tailnets.values()].filter(({ known }) => known?.groups === undefined).map(({ name }) => name);
    if (names.length !== last.size || names.some((name) => !last.has(name))) last = new Set(names);
    return last;
  };
};

/**
 * Where who is in a group is known from: `file`, the tailnet's policy file; `machine`, the machines themselves; `nowhere`: nobody tells, as of
 * `autogroup:admin`.
 */
export const originOf = (group: string): 'file' | 'machine' | 'nowhere' => {
  if (group.startsWith('group:')) return 'file';
  return ofMachines.has(group) ? 'machine' : 'nowhere';
};

const ofMachines: ReadonlySet<string> = new Set(Object.values(autogroups));

/** Whether these rules deny a group of which nobody can say who is in it, so that nobody may pass. */
export const isWithheld = (rules: readonly IdentityRule[], groupless: boolean): boolean =>
  rules.some(({ deny }) => deny?.groups.some((group) => isUnknowable(group, groupless)) ?? false);

/** Whether nobody can say who is in a group. `groupless`: the policy file cannot be read. */
export const isUnknowable = (group: string, groupless: boolean): boolean => {
  const origin = originOf(group);
  return origin === 'nowhere' || (origin === 'file' && groupless);
};
