import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { initialWorld } from './initial.ts';
import { stateFile, worldIn } from './state-file.ts';

let directory = '';
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'tailplane-simulator-'))));
afterEach(async () => rm(directory, { recursive: true }));
const path = (): string => join(directory, 'state.json');
const unexpected = (error: Error): never => {
  throw error;
};

it('gives back the newest world it was given', async () => {
  const { keep, done } = stateFile(path(), unexpected);
  for (const seed of ['a', 'b', 'c']) keep(initialWorld(seed, 0));
  await done();
  expect(await worldIn(path())).toEqual(initialWorld('c', 0));
});

it('lets nobody but its owner read it', async () => {
  const { keep, done } = stateFile(path(), unexpected);
  keep(initialWorld('a', 0));
  await done();
  expect((await stat(path())).mode & 0o077).toBe(0);
});

it('knows no world where there is no file, or an empty one', async () => {
  expect(await worldIn(path())).toBeUndefined();
  await writeFile(path(), '');
  expect(await worldIn(path())).toBeUndefined();
});

it.each([
  ['{"version":1,', 'is not JSON'],
  ['{"version":2,"tailnets":[]}', 'holds no simulation: version'],
  ['{"version":1,"tailnets":[]}', 'holds no simulation: tailnets'],
  ['{"version":1,"tailnets":[{"id":"a"}]}', 'holds no simulation: tailnets.0.name'],
])('says what is wrong with %s, and leaves it alone', async (text, problem) => {
  await writeFile(path(), text);
  await expect(worldIn(path())).rejects.toThrow(problem);
  expect(await readFile(path(), 'utf8')).toBe(text);
});

it('tells of a file that cannot be written, and goes on', async () => {
  const errors: Error[] = [];
  const { keep, done } = stateFile(join(directory, 'missing', 'state.json'), (error) => errors.push(error));
  keep(initialWorld('a', 0));
  await done();
  keep(initialWorld('b', 0));
  await done();
  expect(errors).toHaveLength(2);
});
