import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { imageSettings } from './support/image-settings.ts';

type Rule = { readonly match: string; readonly entrypoint: readonly string[]; readonly env?: Readonly<Record<string, string>> };

it('is measured in the lab, and tried there, as the image runs it', () => {
  const { images } = parse(readFileSync(join(import.meta.dirname, 'conformance', 'lab-images.yaml'), 'utf8')) as {
    readonly images: readonly Rule[];
  };
  const rule = images.find(({ match }) => match === 'tailplane:');
  expect({ flags: rule?.entrypoint.filter((part) => part.startsWith('--')), environment: rule?.env }).toEqual(imageSettings());
});
