import type { Header, HeaderChanges } from '../../src/model/graph.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { HeaderValueOption } from '../types.ts';
import { unlessEmpty } from './unless-empty.ts';

/** What a request's header changes are in a route or in one of its clusters. Envoy removes before it sets, and sets before it adds. */
export const requestHeadersFrom = (changes: HeaderChanges) => ({
  requestHeadersToAdd: unlessEmpty(additionsFrom(changes)),
  requestHeadersToRemove: unlessEmpty(removalsFrom(changes)),
});

/** The same for the response. */
export const responseHeadersFrom = (changes: HeaderChanges) => ({
  responseHeadersToAdd: unlessEmpty(additionsFrom(changes)),
  responseHeadersToRemove: unlessEmpty(removalsFrom(changes)),
});

export const changesAnything = ({ set, add, remove }: HeaderChanges): boolean => set.length + add.length + remove.length > 0;

/** The value a request's `Host` is set to, if it is: Envoy has that as a rewrite of its own. */
export const hostSetBy = ({ set }: HeaderChanges): string | undefined => set.find(({ name }) => name.toLowerCase() === 'host')?.value;

const additionsFrom = ({ set, add }: HeaderChanges): readonly HeaderValueOption[] => [
  ...changeable(set).map((header) => optionFrom(header, 'OVERWRITE_IF_EXISTS_OR_ADD')),
  ...changeable(add).map((header) => optionFrom(header, 'APPEND_IF_EXISTS_OR_ADD')),
];

const removalsFrom = ({ remove }: HeaderChanges): readonly string[] => remove.filter(isChangeable).toSorted(byCodeUnit);

const changeable = (headers: readonly Header[]): readonly Header[] =>
  headers.filter(({ name }) => isChangeable(name)).toSorted((a, b) => byCodeUnit(a.name, b.name));

/** Envoy refuses a configuration that adds or removes one of these. */
const isChangeable = (name: string): boolean => !name.startsWith(':') && name.toLowerCase() !== 'host';

const optionFrom = ({ name, value }: Header, appendAction: HeaderValueOption['appendAction']): HeaderValueOption => ({
  header: { key: name, value: literal(value) },
  appendAction,
  keepEmptyValue: true,
});

/** Envoy reads `%…%` in header values as a command: `%%` is one percent sign. */
const literal = (value: string): string => value.replaceAll('%', '%%');
