import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { seenBy } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene, withFilter } from './scene.ts';

const prefix = (value: string): string =>
  withFilter('URLRewrite', 'urlRewrite', `path: { type: ReplacePrefixMatch, replacePrefixMatch: "${value}" }`);

describe.skipIf(envoy === undefined)('what a rewritten request looks like to the backend', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ one: undefined });
    await scene.apply(
      httpRoute(
        'rewrites',
        ruleFor('/foo', prefix('/xyz')),
        ruleFor('/bar/', prefix('/xyz/')),
        ruleFor('/baz', prefix('/xyz/')),
        ruleFor('/qux/', prefix('/xyz')),
        ruleFor('/strip', prefix('/')),
        ruleFor('/slash/', prefix('/')),
        ruleFor('/empty', prefix('')),
        ruleFor('/long/prefix', prefix('/l')),
        ruleFor('/full', withFilter('URLRewrite', 'urlRewrite', 'path: { type: ReplaceFullPath, replaceFullPath: /one }')),
        ruleFor('/host', withFilter('URLRewrite', 'urlRewrite', 'hostname: inner.example')),
        ruleFor(
          '/both',
          withFilter('URLRewrite', 'urlRewrite', 'hostname: inner.example, path: { type: ReplacePrefixMatch, replacePrefixMatch: /in }'),
        ),
        ruleFor('/', prefix('/base')),
      ),
    );
  });
  afterAll(async () => scene?.stop());

  it.each([
    ['/foo/bar', '/xyz/bar'],
    ['/foo', '/xyz'],
    ['/foo/', '/xyz/'],
    ['/foo?q=1', '/xyz?q=1'],
    ['/bar/bar', '/xyz/bar'],
    ['/bar/', '/xyz/'],
    ['/bar', '/xyz'],
    ['/baz/bar', '/xyz/bar'],
    ['/baz', '/xyz'],
    ['/baz/', '/xyz/'],
    ['/qux/bar', '/xyz/bar'],
    ['/qux/', '/xyz/'],
    ['/strip/bar', '/bar'],
    ['/strip/', '/'],
    ['/strip', '/'],
    ['/strip?q=/strip/x', '/?q=/strip/x'],
    ['/slash/bar', '/bar'],
    ['/slash/', '/'],
    ['/empty/bar', '/bar'],
    ['/empty', '/'],
    ['/long/prefix/a/b?c=d', '/l/a/b?c=d'],
    ['/full/of/it?q=1', '/one?q=1'],
    ['/full', '/one'],
    ['/', '/base/'],
    ['/else', '/base/else'],
    ['/else/where', '/base/else/where'],
  ])('%s becomes %s', async (path, expected) => {
    expect(seenBy(await scene.ask(path)).path).toBe(expected);
  });

  it('has the host that the filter names, and says in X-Forwarded-Host which one was asked for', async () => {
    const { path, headers } = seenBy(await scene.ask('/host/x', { host: 'outer.example' }));
    expect([path, headers.host, headers['x-forwarded-host']]).toEqual(['/host/x', 'inner.example', 'outer.example']);
  });

  it('may have both changed', async () => {
    const { path, headers } = seenBy(await scene.ask('/both/x'));
    expect([path, headers.host]).toEqual(['/in/x', 'inner.example']);
  });

  it('keeps its Host, port and all, where no filter changes it', async () => {
    expect(seenBy(await scene.ask('/foo', { host: 'A.example:1234' })).headers.host).toBe('A.example:1234');
  });
});
