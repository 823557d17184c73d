import type { Observations } from '../../api/observations.ts';

/** Names of tailnets whose groups cannot be told: who is in one, and so is to be refused, may be anybody there. The same set while it holds the same. */
export const grouplessBuilder = (): ((tailnets: Observations['tailnets']) => ReadonlySet<string>) => {
  let last: ReadonlySet<string> = new Set();
  return (tailnets) => {
    const names = [...tailnets.values()].filter(({ known }) => known?.groups === undefined).map(({ name }) => name);
    if (names.length !== last.size || names.some((name) => !last.has(name))) last = new Set(names);
    return last;
  };
};
