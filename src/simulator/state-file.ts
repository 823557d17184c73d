/** A simulation kept in a file: what was there when it ended is there when it starts again. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { World } from './state.ts';

const version = 1;

/** As far as a person who edits the file is likely to break it: the rest is what we wrote. */
const fileSchema = z.object({
  version: z.literal(version),
  tailnets: z
    .array(
      z.looseObject({
        id: z.string(),
        name: z.string(),
        domain: z.string(),
        credentials: z.array(z.looseObject({ id: z.string() })),
        devices: z.array(z.looseObject({ nodeId: z.string(), name: z.string(), hostname: z.string(), addresses: z.array(z.string()) })),
        services: z.array(z.looseObject({ name: z.string(), addrs: z.array(z.string()) })),
        keys: z.array(z.looseObject({ id: z.string() })),
      }),
    )
    .min(1),
});

/** The world that the file holds; undefined where there is none. Throws, with words for whoever wrote it, when it holds something else. */
export const worldIn = async (path: string): Promise<World | undefined> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read: ${error.code}`, { cause: error });
  });
  if (text === undefined || text.trim() === '') return undefined;
  const file = fileSchema.safeParse(jsonIn(path, text));
  if (file.success) return { tailnets: file.data.tailnets as unknown as World['tailnets'] };
  const [issue] = file.error.issues;
  throw new Error(`${path} holds no simulation: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
};

const jsonIn = (path: string, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
};

/**
 * Keeps a file equal to the newest world it is given, whole at any moment, readable by its owner alone: it holds secrets. One write at a time;
 * of those that come meanwhile only the newest is written. `done` resolves when all is on disk; `failed` hears of a write that could not be.
 */
export const stateFile = (
  path: string,
  failed: (error: Error) => void,
): { readonly keep: (world: World) => void; readonly done: () => Promise<void> } => {
  let newest: World | undefined;
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    const temporary = `${path}.${process.pid}.tmp`;
    while (newest !== undefined) {
      const world = newest;
      newest = undefined;
      try {
        await writeFile(temporary, `${JSON.stringify({ version, ...world }, undefined, 2)}\n`, { mode: 0o600 });
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        failed(error as Error);
      }
    }
    writing = undefined;
  };
  return {
    keep: (world) => {
      newest = world;
      writing ??= write();
    },
    done: async () => writing,
  };
};
