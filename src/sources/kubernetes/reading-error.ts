import type { Failure } from '../../kubernetes/failure.ts';

/** Something that is not read as it should be: a kind, or the list of kinds. */
export type ReadingFailure = { readonly what: string; readonly failures: readonly Failure[] };

/** These are about the server, whatever was asked of it. */
const serverCauses: ReadonlySet<Failure['cause']> = new Set(['unreachable', 'certificate', 'unauthorized']);

/**
 * All failures as one text, undefined where there are none. A server that is away, or starts, is one sentence however many kinds were asked for;
 * what it answers while others do not reach it is not worth telling. Permissions are told by kind: they need somebody to act.
 */
export const errorFrom = (failures: readonly ReadingFailure[]): string | undefined => {
  const all = failures.flatMap(({ what, failures: ofOne }) => ofOne.map((failure) => ({ what, ...failure })));
  const ofServer = all.find(({ cause }) => serverCauses.has(cause));
  const told = all.filter(({ cause }) => (ofServer === undefined ? true : cause === 'forbidden'));
  const kindsByMessage = Map.groupBy(told, ({ message }) => message);
  const texts = [...kindsByMessage].map(([message, ones]) => `${[...new Set(ones.map(({ what }) => what))].join(', ')}: ${message}`);
  return ofServer === undefined && texts.length === 0
    ? undefined
    : [...(ofServer === undefined ? [] : [ofServer.message]), ...texts].join('; ');
};
