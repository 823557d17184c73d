/** What Tailscale's own parsers say of the files of a cluster's proxies. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cluster, programs } from './cluster.ts';

export type Judged = { readonly file: string; readonly complaint?: string };

/** Proxies that have logged in have no use for a key, and none is left lying about. */
const keyless = /^warn .*: no AuthKey: .*\n/m;

/** Everything that proxies of a namespace read, as it stands, each checked strictly. */
export const judgedFiles = async ({ list }: Cluster, namespace: string): Promise<readonly Judged[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'tailplane-files-'));
  try {
    const [secrets, maps] = await Promise.all(['secrets', 'configmaps'].map((kind) => list(`/api/v1/namespaces/${namespace}/${kind}`)));
    const files = [...(secrets ?? []), ...(maps ?? [])].flatMap(({ metadata, ...object }) => {
      const { data = {}, binaryData = {} } = object as Readonly<Record<string, Readonly<Record<string, string>>>>;
      return Object.entries({ ...data, ...binaryData }).flatMap(([name, base64]) => {
        const kind = kinds[name as keyof typeof kinds];
        return kind === undefined ? [] : [{ kind, file: `${metadata.name}/${name}`, text: Buffer.from(base64, 'base64').toString() }];
      });
    });
    const judged: Judged[] = [];
    for (const { kind, file, text } of files) {
      const path = join(folder, `${kind}.json`);
      await writeFile(path, text);
      const verdict = promisify(execFile)(join(programs, 'conf-check'), ['-strict', kind, path]);
      const complaint = await verdict.then(
        () => undefined,
        (error: unknown) => {
          const warnings = String((error as { readonly stdout?: string }).stdout ?? error).replace(keyless, '');
          return /^warn|^FAIL .*\): (?!1 warning\(s\)$)/m.test(warnings) ? warnings : undefined;
        },
      );
      judged.push({ file, ...(complaint === undefined ? {} : { complaint }) });
    }
    return judged;
  } finally {
    await rm(folder, { recursive: true });
  }
};

const kinds = { 'cap-106.hujson': 'tailscaled', 'serve-config.json': 'serve', 'ingress-config.json': 'ingress' } as const;
