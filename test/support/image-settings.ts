import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How the image runs Node, as the Dockerfile says: flags, and environment. */
export type ImageSettings = { readonly flags: readonly string[]; readonly environment: Readonly<Record<string, string>> };

export const imageSettings = (): ImageSettings => {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8');
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
  return {
    flags: (JSON.parse(entrypoint) as readonly string[]).filter((part) => part.startsWith('--')),
    environment: Object.fromEntries([...dockerfile.matchAll(/^ENV (\w+)=(\S*)$/gm)].map(([, name = '', value = '']) => [name, value])),
  };
};
