import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What `work` gives, while no other process on this machine does work under the same lock file.
 * A lock whose holder died is taken over.
 */
export const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  while (!(await taken(file))) await sleep(200);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
};

const taken = async (file: string): Promise<boolean> => {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (holder > 0 && !alive(holder)) await rm(file, { force: true });
    return false;
  }
};

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
