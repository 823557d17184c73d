import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kinds, tailscaleGroup } from '../api/kinds.ts';
import { runCli } from './run.ts';

it('prints the CustomResourceDefinition of every kind of ours, as one file for kubectl', async () => {
  let text = '';
  const out = (more: string): void => void (text += more);
  expect(await runCli(['crds'], { out, err: out, environment: {}, terminal: false })).toBe(0);
  const printed = parseAllDocuments(text).map((document) => document.toJS() as { readonly kind: string; readonly metadata: object });
  expect(new Set(printed.map(({ kind }) => kind))).toEqual(new Set(['CustomResourceDefinition']));
  const ours = Object.values(kinds).filter(({ group }) => group === tailscaleGroup);
  expect(printed.map(({ metadata }) => metadata)).toEqual(
    ours
      .map(({ plural, group }) => `${plural}.${group}`)
      .toSorted()
      .map((name) => expect.objectContaining({ name })),
  );
});
