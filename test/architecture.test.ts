import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may import what: folders of ours by path prefix, then libraries. The first line whose folder holds the file counts. */
const table: readonly { readonly folder: string; readonly ours: readonly string[]; readonly libraries: readonly string[] }[] = [
  { folder: 'src/lib', ours: [], libraries: ['rxjs', 'node:crypto'] },
  { folder: 'src/api', ours: ['src/lib'], libraries: [] },
  { folder: 'src/model', ours: ['src/lib', 'src/api'], libraries: ['node:crypto', 'node:net', 're2js'] },
  { folder: 'src/kubernetes', ours: ['src/lib', 'src/api'], libraries: ['@kubernetes/client-node', 'undici', 'rxjs', 'node:*'] },
  { folder: 'src/tailscale', ours: ['src/lib', 'src/api'], libraries: ['zod', 'undici', 'node:*'] },
  { folder: 'src/sources/tailnets', ours: ['src/api', 'src/lib', 'src/sources', 'src/tailscale'], libraries: ['rxjs', 'node:*'] },
  { folder: 'src/sources/kubernetes', ours: ['src/api', 'src/lib', 'src/kubernetes', 'src/sources'], libraries: ['rxjs'] },
  { folder: 'src/sources', ours: ['src/api', 'src/lib', 'crds'], libraries: ['rxjs', 'node:*', 'yaml', '@marcbachmann/cel-js', 're2js'] },
  {
    folder: 'src/ops',
    ours: ['src/model', 'src/api', 'src/lib', 'src/sources/source.ts', 'xds'],
    libraries: ['pino', 'pino-pretty', 'prom-client', 'node:*', 'rxjs', 'zod', 'yaml', 're2js'],
  },
  {
    folder: 'xds/translate',
    ours: ['src/model', 'src/lib', 'xds/types.ts', 'xds/any.ts', 'xds/names.ts', 'xds/resources.ts'],
    libraries: ['xxhash-wasm'],
  },
  { folder: 'xds/names.ts', ours: ['src/model'], libraries: [] },
  { folder: 'xds/snapshot', ours: ['src/lib', 'xds/types.ts', 'xds/codec.ts', 'xds/resources.ts', 'xds/wire'], libraries: ['node:crypto'] },
  {
    folder: 'xds/ads',
    ours: ['src/lib', 'xds/snapshot', 'xds/types.ts', 'xds/codec.ts', 'xds/resources.ts', 'xds/wire'],
    libraries: ['rxjs', '@grpc/*', 'protobufjs/*', 'node:*'],
  },
  { folder: 'xds', ours: ['src/lib', 'xds/types.ts', 'xds/generated', 'proto'], libraries: ['protobufjs/*', 'node:fs', 'node:url'] },
  // Edges of the controllers: what talks to the API server, and the clock.
  { folder: 'controllers/runtime', ours: ['src/lib', 'src/api', 'src/kubernetes'], libraries: ['rxjs', 'node:*'] },
  {
    folder: 'controllers/xds-certificates',
    ours: ['src/lib', 'src/kubernetes', 'controllers/runtime'],
    libraries: ['rxjs', 'node:*'],
  },
  // Pods of Envoys are told by the labels that controllers/gateway gives them.
  {
    folder: 'controllers/proxies',
    ours: [
      'src/lib',
      'src/api',
      'src/model',
      'src/kubernetes',
      'src/tailscale',
      'controllers/runtime',
      'controllers/gateway/names.ts',
      'controllers/status/log.ts',
      'controllers/xds-certificates/wait.ts',
    ],
    libraries: ['rxjs'],
  },
  {
    folder: 'controllers/vip-services',
    ours: ['src/lib', 'src/api', 'src/model', 'src/tailscale', 'controllers/status/log.ts'],
    libraries: ['rxjs'],
  },
  // Reports on Envoys: what streams, snapshots and rejections are called is theirs to say.
  {
    folder: 'controllers/replicas',
    ours: [
      'src/lib',
      'src/model',
      'src/kubernetes',
      'src/ops/rejection.ts',
      'xds/ads/events.ts',
      'xds/resources.ts',
      'xds/snapshot',
      'controllers/runtime',
    ],
    libraries: ['rxjs'],
  },
  {
    folder: 'controllers',
    ours: [
      'src/lib',
      'src/api',
      'src/model',
      'src/kubernetes',
      'src/sources/kubernetes/observed.ts',
      'controllers/runtime',
      'bootstrap',
      'xds/types.ts',
    ],
    libraries: ['rxjs'],
  },
  { folder: 'bootstrap', ours: ['xds/types.ts', 'xds/any.ts', 'src/lib'], libraries: [] },
];

/** What the user fixed at the top level, and what earned its place beside it. */
const topLevel: ReadonlySet<string> = new Set([
  'package.json',
  'tsconfig.json',
  'src',
  'xds',
  'controllers',
  'proto',
  'bootstrap',
  'crds',
  'examples',
  'test',
  'Dockerfile',
  'README.md',
  'LICENSE',
  'NOTICE',
  'docs',
  'charts',
  'bench',
  'scripts',
  'package-lock.json',
  'vitest.config.ts',
  'tsconfig.build.json',
  'knip.json',
]);

const root = join(import.meta.dirname, '..');
const sources = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') && !entry.parentPath.includes('generated'),
    )
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const importsOf = (file: string): string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /(?:^|\n)(?:import|export)[^;'"]*?from '([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');

const isWithin = (path: string, allowed: string): boolean => path === allowed || path.startsWith(`${allowed}/`);
const isLibrary = (name: string, allowed: string): boolean =>
  allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed || name.startsWith(`${allowed}/`);

describe('the shape of the project', () => {
  it('lets each folder import only what its line of the table allows', () => {
    const offences: string[] = [];
    for (const file of ['src', 'xds', 'bootstrap', 'controllers'].flatMap(sources)) {
      const rule = table.find((line) => isWithin(file, line.folder));
      if (rule === undefined) continue;
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('.')) {
          const target = relative(root, join(root, dirname(file), specifier));
          if (!isWithin(target, rule.folder) && !rule.ours.some((allowed) => isWithin(target, allowed)))
            offences.push(`${file} imports ${target}`);
        } else if (!rule.libraries.some((allowed) => isLibrary(specifier, allowed))) offences.push(`${file} imports ${specifier}`);
      }
    }
    expect(offences).toEqual([]);
  });

  it('has nothing at the top level but what the user fixed and what earns its place', () => {
    const present = readdirSync(root).filter(
      (name) => !name.startsWith('.') && !['node_modules', 'dist', 'coverage'].includes(name) && !name.endsWith('.tgz'),
    );
    expect(present.filter((name) => !topLevel.has(name))).toEqual([]);
  });
});
