/** What a server would know of some files, without one. */
import { stat } from 'node:fs/promises';
import { filter, firstValueFrom } from 'rxjs';
import { UsageError } from '../config.ts';
import { StatusBook } from '../ops/status-book.ts';
import type { Subject } from '../ops/api.ts';
import type { Known } from '../ops/known.ts';
import { directorySource } from '../sources/directory/directory-source.ts';
import { stepsFor } from './steps.ts';

/** What the files and directories say at this moment, translated. Throws UsageError when one does not exist. */
export const readPaths = async (paths: readonly string[], privilegedPorts = false): Promise<Known> => {
  for (const path of paths) await stat(path).catch(() => missing(path));
  const state = await firstValueFrom(directorySource({ paths }).pipe(filter(({ health }) => health.synced)));
  const { build, translate } = stepsFor({ privilegedPorts, onCluster: false });
  const graph = build(state.objects);
  return { state, graph, resources: translate(graph) };
};

/** The same as the subject of API questions. Conditions have the time of asking. */
export const offlineSubject = async (directory: string, privilegedPorts: boolean): Promise<Subject> => {
  const known = await readPaths([directory], privilegedPorts);
  const book = new StatusBook();
  book.update(known.graph.statuses, new Date());
  return { known: () => known, statusOf: (key) => book.get(key), clients: () => [] };
};

const missing = (path: string): never => {
  throw new UsageError(`${path} does not exist`);
};
