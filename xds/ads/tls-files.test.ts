import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, ReplaySubject, skip, take, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { authority, certificateFor } from '../../test/support/certificates.ts';
import { tlsFromFiles } from './tls-files.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tailplane-tls-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const [first, second] = [certificateFor(['a']), certificateFor(['b'])];
const ca = authority().certificate;
const files = () => ({ cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key'), ca: join(dir, 'ca.crt') });

it('waits for files that can be used, says what is wrong meanwhile, and gives them again when they are replaced', async () => {
  const problems = new ReplaySubject<string>();
  const { cert, key } = files();
  const read = tlsFromFiles(files(), ({ message }) => problems.next(message), 5);
  const got = firstValueFrom(read.pipe(take(2), toArray()));
  expect(await firstValueFrom(problems)).toBe(`TLS from ${cert}, ${key}, ${join(dir, 'ca.crt')}: ${cert} cannot be read (ENOENT)`);
  await writeFile(join(dir, 'ca.crt'), ca);
  await writeFile(cert, first.certificate);
  await writeFile(key, second.privateKey);
  expect(await firstValueFrom(problems.pipe(skip(1)))).toMatch(/cannot be read|is not that of/);
  await writeFile(key, first.privateKey);
  // Kubelets replace all files of a Secret at once, by a symbolic link.
  await new Promise((resolve) => read.pipe(take(1)).subscribe(resolve));
  await writeFile(join(dir, 'new.key'), second.privateKey);
  await writeFile(join(dir, 'new.crt'), second.certificate);
  await symlink(join(dir, 'new.crt'), join(dir, 'link'));
  await rename(join(dir, 'link'), cert);
  await rename(join(dir, 'new.key'), key);
  expect(await got).toEqual([
    { cert: first.certificate, key: first.privateKey, ca },
    { cert: second.certificate, key: second.privateKey, ca },
  ]);
});

it('tells of a problem once, and never of what is in a file', async () => {
  const problems: string[] = [];
  const { cert, key } = files();
  await writeFile(cert, first.certificate);
  await writeFile(key, `SECRET${second.privateKey}`);
  await writeFile(join(dir, 'ca.crt'), ca);
  const subscription = tlsFromFiles(files(), ({ message }) => problems.push(message), 1).subscribe();
  while (problems.length === 0) await new Promise(setImmediate);
  await writeFile(key, first.privateKey);
  const good = await firstValueFrom(tlsFromFiles(files(), () => undefined, 1));
  subscription.unsubscribe();
  expect(good.key).toBe(first.privateKey);
  expect(problems).toHaveLength(1);
  expect(problems[0]).not.toMatch(/SECRET|BEGIN|MIG/);
});
