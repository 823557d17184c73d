import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunksOf } from './chunks.ts';
import { contentFrom, positionOf } from './content.ts';
import { merge, type Part } from './merge.ts';

const configMap = (name: string, value = 'x') => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`;

const keysOf = (content: { readonly entries: readonly { readonly key: string }[] }) => content.entries.map(({ key }) => key);

const problemsOf = (text: string, before?: string) =>
  contentFrom('f.yaml', text, before === undefined ? undefined : contentFrom('f.yaml', before, undefined)).problems.map(
    ({ severity, line, column, reason }) => `${severity} ${line}:${column} ${reason}`,
  );

const part = (file: string, text: string, rest: Partial<Part> = {}): Part => ({
  file,
  content: contentFrom(file, text, undefined),
  provisional: false,
  worldReadable: false,
  ...rest,
});

describe('a file', () => {
  it('may hold several documents, comments and nothing between them', () => {
    const text = `# first\n---\n${configMap('a')}--- # second\n${configMap('b')}---\n# nothing\n---\n`;
    expect(keysOf(contentFrom('f.yaml', text, undefined))).toEqual(['ConfigMap/default/a', 'ConfigMap/default/b']);
    expect(chunksOf(text).map(({ line }) => line)).toEqual([2, 9]);
  });

  it('may hold lists, also of one kind, whose items then need not repeat it', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }] };
    const typed = { apiVersion: 'v1', kind: 'ConfigMapList', items: [{ metadata: { name: 'b' } }] };
    expect(keysOf(contentFrom('f.json', `${JSON.stringify(list)}\n---\n${JSON.stringify(typed)}`, undefined))).toEqual([
      'ConfigMap/default/a',
      'ConfigMap/default/b',
    ]);
  });

  it('reads words as Kubernetes does: yes is a boolean, and so no string', () => {
    expect(problemsOf(configMap('a', 'yes'))).toEqual(['error 6:3 data.key: must be a string, not true or false (put it in quotes)']);
    expect(problemsOf(configMap('a', '"yes"'))).toEqual([]);
  });

  it.each([
    ['YAML that is none', `${configMap('a')}---\na: [1\nb: 2\n`, /^error 9:\d+ Flow sequence/],
    ['a key twice', `${configMap('a')}data: {}\n`, /^error 7:1 Map keys must be unique/],
    [
      'a field unknown',
      configMap('a').replace('  name', '  labls: {}\n  name'),
      /^error 4:3 metadata\.labls: unknown field, did you mean "labels"\?$/,
    ],
    [
      'a kind unknown',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n',
      /^warning 2:1 kind: unknown kind apps\/v1 Deployment: skipped$/,
    ],
    ['a scalar', 'hello\n', /^error 1:1 must be an object with apiVersion and kind$/],
    [
      'a field of an item of a list in JSON',
      '{"apiVersion":"v1","kind":"ConfigMapList","items":[\n{"metadata":{"name":"a"},\n"data":{"key":5}}]}',
      /^error 3:9 data\.key: must be a string/,
    ],
    [
      'aliases without end',
      `a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /^error 1:1 Excessive alias count/,
    ],
    ['brackets without end', '['.repeat(50_000), /^error 1:\d+ is nested too deep$/],
  ])('says line and column of %s', (_, text, problem) => {
    expect(problemsOf(text)[0]).toMatch(problem);
  });

  it('keeps everything it said while it does not parse', () => {
    const before = contentFrom('f.yaml', `${configMap('a')}---\n${configMap('b')}`, undefined);
    const broken = contentFrom('f.yaml', `${configMap('a', 'new')}---\n{`, before);
    expect(broken.entries).toBe(before.entries);
    expect(contentFrom('f.yaml', configMap('a', '['), broken).entries).toBe(before.entries);
  });

  it('keeps the last good version of an object that is refused, and takes its neighbours', () => {
    const before = contentFrom('f.yaml', `${configMap('a')}---\n${configMap('b')}`, undefined);
    const after = contentFrom('f.yaml', `${configMap('a', '5')}---\n${configMap('b', 'new')}`, before);
    const again = contentFrom('f.yaml', `${configMap('a', '6')}---\n${configMap('b', 'new')}`, after);
    for (const content of [after, again]) {
      expect(Object.fromEntries(content.entries.map(({ key, object }) => [key, object]))).toMatchObject({
        'ConfigMap/default/a': { data: { key: 'x' } },
        'ConfigMap/default/b': { data: { key: 'new' } },
      });
    }
  });

  it('keeps an object in its place while its name cannot be read', () => {
    const before = contentFrom('f.yaml', `${configMap('a')}---\n${configMap('b')}`, undefined);
    const after = contentFrom('f.yaml', `${configMap('a')}---\n${configMap('b').replace('name', 'nam')}`, before);
    expect(keysOf(after)).toEqual(['ConfigMap/default/a', 'ConfigMap/default/b']);
  });

  it('forgets an object whose document is gone', () => {
    const before = contentFrom('f.yaml', `${configMap('a')}---\n${configMap('b')}`, undefined);
    expect(keysOf(contentFrom('f.yaml', configMap('b'), before))).toEqual(['ConfigMap/default/b']);
  });

  it('gives the same object for a document that did not change, or only in its comments', () => {
    const before = contentFrom('f.yaml', `${configMap('a')}---\n${configMap('b')}---\n${configMap('c')}`, undefined);
    const after = contentFrom('f.yaml', `${configMap('c')}---\n${configMap('a', 'new')}---\n# why\n${configMap('b')}`, before);
    const former = new Map(before.entries.map(({ key, object }) => [key, object]));
    expect(after.entries.map(({ key, object }) => object === former.get(key))).toEqual([true, false, true]);
  });

  it('of any text gives an answer, and the same for the same text', () => {
    const line = fc.constantFrom(
      '---',
      '...',
      'a: b',
      '- x',
      '  kind: Service',
      'kind: List',
      'items: [{}]',
      'apiVersion: v1',
      '"',
      '{',
      '&a [*a]',
      '%YAML 1.2',
      '? x',
      '\t',
      '!!set {a}',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => lines.join('\n')),
        ),
        (text) => {
          const content = contentFrom('f.yaml', text, undefined);
          expect(contentFrom('f.yaml', text, content)).toEqual(content);
          for (const entry of content.entries) positionOf(entry);
        },
      ),
    );
  });
});

describe('several files', () => {
  it('are one state, whatever order they are read in', () => {
    const parts = [part('b.yaml', configMap('b')), part('a.yaml', configMap('a')), part('c.yaml', configMap('c'))];
    expect([...merge(parts).objects.ConfigMap.keys()]).toEqual(['default/a', 'default/b', 'default/c']);
    expect(merge(parts.toReversed())).toEqual(merge(parts));
  });

  it('name both places of an object that is there twice, and the first by path stands', () => {
    const { objects, problems } = merge([
      part('b.yaml', `\n${configMap('x', 'b')}`),
      part('a.yaml', `${configMap('new')}---\n${configMap('x', 'a')}`),
    ]);
    expect(objects.ConfigMap.get('default/x')).toMatchObject({ data: { key: 'a' } });
    expect(problems).toEqual([
      {
        severity: 'error',
        reason: 'duplicate of ConfigMap/default/x in a.yaml:8, which stands; this one is ignored',
        object: 'ConfigMap/default/x',
        file: 'b.yaml',
        line: 2,
        column: 1,
      },
    ]);
  });

  it('are no conflict where one of them is on its way out', () => {
    const { objects, problems } = merge([
      part('a.yaml', configMap('x', 'old'), { provisional: true }),
      part('b.yaml', configMap('x', 'new')),
    ]);
    expect(objects.ConfigMap.get('default/x')).toMatchObject({ data: { key: 'new' } });
    expect(problems).toEqual([]);
  });

  it('warn of Secrets that everybody may read', () => {
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n';
    expect(merge([part('s.yaml', secret, { worldReadable: true })]).problems).toMatchObject([
      { severity: 'warning', file: 's.yaml', line: 1, object: 'Secret/default/s' },
    ]);
    expect(merge([part('s.yaml', secret), part('c.yaml', configMap('a'), { worldReadable: true })]).problems).toEqual([]);
  });

  it('keep the identity of what did not change', () => {
    const before = merge([part('a.yaml', configMap('a')), part('b.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n')]);
    const [a, b] = [part('a.yaml', configMap('a', 'new')), part('b.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n')];
    const unchanged = { ...b, content: contentFrom('b.yaml', b.content?.text ?? '', undefined) };
    const first = merge([a, b], before);
    expect(merge([a, b], first)).toBe(first);
    expect(merge([part('a.yaml', configMap('z')), b], first).objects.Namespace).toBe(first.objects.Namespace);
    expect(merge([a, unchanged], first).objects.ConfigMap).toBe(first.objects.ConfigMap);
  });
});
