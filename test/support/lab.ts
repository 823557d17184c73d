import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where the measuring lab stands if it does: beside the checkout. It unpacks its programs and prints their folder. */
const installer = join(import.meta.dirname, '..', '..', '..', 'shared', 'lab', 'get.sh');

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Path of one of the lab's programs: in the folder that LAB_BIN names, on PATH, or from the lab itself; undefined where there is none. */
export const labProgram = (name: string, group: string): string | undefined => {
  const folders = [process.env['LAB_BIN'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)].filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found !== undefined || !isExecutable(installer)) return found;
  const folder = execFileSync(installer, [group], { encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
  return isExecutable(join(folder, name)) ? join(folder, name) : undefined;
};
