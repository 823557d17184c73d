import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, ReplaySubject, type Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceState } from '../source.ts';
import { type DirectoryOptions, directorySource } from './directory-source.ts';
import { readDirectory } from './read-directory.ts';

const configMap = (name: string, value = 'x') => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`;

/** Values of the ConfigMaps by name: what most tests look at. */
const valuesIn = ({ objects }: Pick<SourceState, 'objects'>) =>
  Object.fromEntries([...objects.ConfigMap.values()].map(({ metadata, data }) => [metadata.name, data?.['key']]));

let folder: string;
let subscription: Subscription | undefined;
let states: SourceState[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tailplane-directory-'));
});

afterEach(() => {
  subscription?.unsubscribe();
  rmSync(folder, { recursive: true, force: true });
});

/** Subscribes; what comes back waits for the first state, past or to come since the last wait, that fits. */
const watching = (options: Partial<DirectoryOptions> = {}) => {
  const seen = new ReplaySubject<SourceState>();
  states = [];
  subscription = directorySource({ paths: [folder], rescanMs: 60_000, ...options }).subscribe((state) => {
    states.push(state);
    seen.next(state);
  });
  return (fits: (state: SourceState) => boolean) => firstValueFrom(seen.pipe(filter(fits)));
};

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);

const has = (values: object) => (state: SourceState) => JSON.stringify(valuesIn(state)) === JSON.stringify(values);

describe('a directory', () => {
  it('is read whole before anything is said, with folders below it and without hidden and other files', async () => {
    mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
    mkdirSync(join(folder, '.git'));
    for (const [name, key] of Object.entries({
      'a.yaml': 'a',
      'deep/b.yml': 'b',
      'deep/er/c.json': 'c',
      '.d.yaml': 'd',
      'e.txt': 'e',
      '.git/f.yaml': 'f',
    })) {
      put(name, configMap(key));
    }
    const until = watching();
    const state = await until(() => true);
    expect(valuesIn(state)).toEqual({ a: 'x', b: 'x', c: 'x' });
    expect(state).toMatchObject({ problems: [], health: { name: 'directory', synced: true } });
  });

  it('tells of files written, added in new folders, and removed', async () => {
    put('a.yaml', configMap('a'));
    const until = watching();
    await until(has({ a: 'x' }));
    put('a.yaml', configMap('a', 'new'));
    await until(has({ a: 'new' }));
    mkdirSync(join(folder, 'new'));
    put('new/b.yaml', configMap('b'));
    await until(has({ a: 'new', b: 'x' }));
    put('new/b.yaml', configMap('b', 'new'));
    await until(has({ a: 'new', b: 'new' }));
    rmSync(join(folder, 'a.yaml'));
    await until(has({ b: 'new' }));
    rmSync(join(folder, 'new'), { recursive: true });
    expect(await until(has({}))).toMatchObject({ problems: [] });
  });

  it('follows what editors do: a new file renamed over the old one', async () => {
    put('a.yaml', configMap('a'));
    const until = watching();
    await until(has({ a: 'x' }));
    for (const value of ['one', 'two', 'three']) {
      put('.a.yaml.swp', configMap('a', value));
      renameSync(join(folder, '.a.yaml.swp'), join(folder, 'a.yaml'));
      expect(await until(has({ a: value }))).toMatchObject({ problems: [] });
    }
  });

  it('follows links swapped as in a mounted ConfigMap', async () => {
    for (const [version, value] of Object.entries({ '..1': 'one', '..2': 'two' })) {
      mkdirSync(join(folder, version));
      put(`${version}/a.yaml`, configMap('a', value));
    }
    symlinkSync('..1', join(folder, '..data'));
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
    const until = watching();
    await until(has({ a: 'one' }));
    symlinkSync('..2', join(folder, '..tmp'));
    renameSync(join(folder, '..tmp'), join(folder, '..data'));
    expect(await until(has({ a: 'two' }))).toMatchObject({ problems: [] });
  });

  it('is followed to a new place when it is a link itself, or replaced by another', async () => {
    for (const version of ['one', 'two']) {
      mkdirSync(join(folder, version));
      put(`${version}/a.yaml`, configMap('a', version));
    }
    symlinkSync('one', join(folder, 'current'));
    const until = watching({ paths: [join(folder, 'current')] });
    await until(has({ a: 'one' }));
    symlinkSync('two', join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
    await until(has({ a: 'two' }));
    put('two/a.yaml', configMap('a', 'three'));
    expect(await until(has({ a: 'three' }))).toMatchObject({ problems: [] });
  });

  it('may hold links that lead round in a circle, or nowhere', async () => {
    put('a.yaml', configMap('a'));
    symlinkSync('.', join(folder, 'round'));
    symlinkSync('nothing', join(folder, 'b.yaml'));
    symlinkSync('c.yaml', join(folder, 'c.yaml'));
    const until = watching();
    const { problems } = await until(has({ a: 'x' }));
    expect(problems).toMatchObject([
      { severity: 'error', file: join(folder, 'b.yaml'), reason: 'is a link to nothing' },
      { severity: 'error', file: join(folder, 'c.yaml') },
    ]);
  });

  it('that does not exist yet is waited for, and not synced', async () => {
    const later = join(folder, 'later');
    const until = watching({ paths: [later] });
    const first = await until(() => true);
    expect(first).toMatchObject({
      health: { synced: false, error: `${later} does not exist` },
      problems: [{ severity: 'error', file: later }],
    });
    mkdirSync(join(folder, 'prepared'));
    put('prepared/a.yaml', configMap('a'));
    renameSync(join(folder, 'prepared'), later);
    expect(await until(has({ a: 'x' }))).toMatchObject({ health: { synced: true }, problems: [] });
  });

  it('that goes away leaves its last good state, and is read again when it returns', async () => {
    const inner = join(folder, 'config');
    mkdirSync(inner);
    put('config/a.yaml', configMap('a'));
    const until = watching({ paths: [inner] });
    await until(has({ a: 'x' }));
    renameSync(inner, join(folder, 'away'));
    const gone = await until(({ health }) => health.error !== undefined);
    expect(valuesIn(gone)).toEqual({ a: 'x' });
    expect(gone.health).toMatchObject({ synced: true, error: `${inner} does not exist; what was last read from it stands` });
    put('away/a.yaml', configMap('a', 'new'));
    renameSync(join(folder, 'away'), inner);
    const back = await until(has({ a: 'new' }));
    expect(back.health.error).toBeUndefined();
    put('config/a.yaml', configMap('a', 'newer'));
    await until(has({ a: 'newer' }));
  });

  it('finds by scanning what no watch tells', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'tailplane-elsewhere-'));
    writeFileSync(join(elsewhere, 'target'), configMap('a'));
    symlinkSync(join(elsewhere, 'target'), join(folder, 'a.yaml'));
    const until = watching({ rescanMs: 20 });
    await until(has({ a: 'x' }));
    writeFileSync(join(elsewhere, 'target'), configMap('a', 'new'));
    expect(await until(has({ a: 'new' }))).toMatchObject({ problems: [] });
    rmSync(elsewhere, { recursive: true });
  });
});

describe('a bad file', () => {
  it('keeps what it last said, says where it is wrong, and hurts no other', async () => {
    put('a.yaml', configMap('a'));
    put('b.yaml', configMap('b'));
    const until = watching();
    await until(has({ a: 'x', b: 'x' }));
    put('a.yaml', `${configMap('a', 'new')}]\n`);
    put('b.yaml', configMap('b', 'new'));
    const broken = await until(({ problems }) => problems.length > 0);
    await until(has({ a: 'x', b: 'new' }));
    expect(broken.problems[0]).toMatchObject({ severity: 'error', file: join(folder, 'a.yaml'), line: 7 });
    put('a.yaml', configMap('a', 'newer'));
    expect(await until(has({ a: 'newer', b: 'new' }))).toMatchObject({ problems: [] });
  });

  it('at the start is a problem at once', async () => {
    put('a.yaml', '{');
    put('b.yaml', configMap('b'));
    const until = watching();
    expect(await until(() => true)).toMatchObject({ health: { synced: true }, problems: [{ file: join(folder, 'a.yaml') }] });
  });

  it('that is half written is not believed: neither its error nor its gaps are ever said', async () => {
    put('a.yaml', `${configMap('a')}---\n${configMap('b')}`);
    const until = watching({ graceMs: 10_000 });
    await until(has({ a: 'x', b: 'x' }));
    truncateSync(join(folder, 'a.yaml'));
    put('z.yaml', configMap('z'));
    await until(has({ a: 'x', b: 'x', z: 'x' }));
    appendFileSync(join(folder, 'a.yaml'), 'apiVersion: v1\nkind: [');
    put('z.yaml', configMap('z', 'new'));
    await until(has({ a: 'x', b: 'x', z: 'new' }));
    put('a.yaml', `${configMap('a')}---\n${configMap('b', 'new')}`);
    await until(has({ a: 'x', b: 'new', z: 'new' }));
    expect(states.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it('that is too large keeps what it last said', async () => {
    put('a.yaml', configMap('a'));
    const until = watching({ maxFileBytes: 200 });
    await until(has({ a: 'x' }));
    put('a.yaml', configMap('a', 'long'.repeat(200)));
    const state = await until(({ problems }) => problems.length > 0);
    expect(valuesIn(state)).toEqual({ a: 'x' });
    expect(state.problems[0]?.reason).toMatch(/^has \d+ bytes; at most 200 are read$/);
  });

  it('that is no text is a problem', async () => {
    writeFileSync(join(folder, 'a.yaml'), Buffer.from([0x61, 0xff, 0xfe]));
    expect((await watching()(() => true)).problems[0]?.reason).toBe('cannot be read: it is no UTF-8 text');
  });
});

describe('what did not change', () => {
  it('is the same object after its neighbours did', async () => {
    put('a.yaml', `${configMap('a')}---\n${configMap('b')}`);
    put('c.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: n\n');
    const until = watching();
    const before = await until(has({ a: 'x', b: 'x' }));
    put('a.yaml', `# why\n${configMap('a')}---\n${configMap('b', 'new')}`);
    const after = await until(has({ a: 'x', b: 'new' }));
    expect(after.objects.ConfigMap.get('default/a')).toBe(before.objects.ConfigMap.get('default/a'));
    expect(after.objects.Namespace).toBe(before.objects.Namespace);
  });

  it('is not said again', async () => {
    put('a.yaml', configMap('a'));
    put('b.yaml', configMap('b'));
    const until = watching();
    await until(has({ a: 'x', b: 'x' }));
    put('a.yaml', configMap('a'));
    put('b.yaml', configMap('b', 'new'));
    await until(has({ a: 'x', b: 'new' }));
    expect(states).toHaveLength(2);
  });

  it('is no conflict when it moves to another file', async () => {
    put('a.yaml', configMap('a'));
    const until = watching();
    const before = await until(has({ a: 'x' }));
    renameSync(join(folder, 'a.yaml'), join(folder, 'b.yaml'));
    put('z.yaml', configMap('z'));
    await until(has({ a: 'x', z: 'x' }));
    put('b.yaml', configMap('a', 'new'));
    await until(has({ a: 'new', z: 'x' }));
    expect(before.problems).toEqual([]);
    expect(states.flatMap(({ problems }) => problems)).toEqual([]);
  });
});

describe('reading once', () => {
  it('says the same as watching', async () => {
    put('a.yaml', configMap('a'));
    put('b.yaml', 'nonsense: [');
    put('s.yaml', 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n');
    chmodSync(join(folder, 's.yaml'), 0o644);
    const { objects, problems } = await watching()(() => true);
    expect(readDirectory([folder])).toEqual({ objects, problems });
    expect(problems.map(({ severity }) => severity)).toEqual(['error', 'warning']);
  });

  it('takes files, whatever they are called, and names paths that are not there', () => {
    put('config', configMap('a'));
    const { objects, problems } = readDirectory([join(folder, 'config'), join(folder, 'nothing')]);
    expect([...objects.ConfigMap.keys()]).toEqual(['default/a']);
    expect(problems).toEqual([{ severity: 'error', reason: 'does not exist', file: join(folder, 'nothing') }]);
  });
});
