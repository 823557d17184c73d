/** The list, or nothing where it is empty: what Envoy reads alike, and readers of a dump need not. */
export const unlessEmpty = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);
