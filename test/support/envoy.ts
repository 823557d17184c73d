/** Real Envoys for tests. A suite that needs one: `describe.skipIf(envoy === undefined)(…)`. */
import { type EnvoyOptions, envoyRejects, type RunningEnvoy, startEnvoyProcess } from '../../scripts/envoy-process.ts';
import { findEnvoy, howToGetEnvoy } from '../../scripts/envoy.ts';

export type { RunningEnvoy } from '../../scripts/envoy-process.ts';

/**
 * Path of the Envoy that tests use, fetched when there is none; undefined where none can be had, so that suites skip by name.
 * In CI (`CI=true`) there must be one: then it throws.
 */
export const envoy: string | undefined = await findEnvoy({ fetch: true, say: () => undefined });
if (envoy === undefined && process.env['CI'] === 'true') throw new Error(howToGetEnvoy);

/** An Envoy with the given bootstrap, its admin port up. Whoever starts it stops it. */
export const startEnvoy = async (options: Omit<EnvoyOptions, 'binary'>): Promise<RunningEnvoy> =>
  startEnvoyProcess({ ...options, binary: found() });

/** What Envoy says against a bootstrap, YAML or JSON (`--mode validate`); undefined when it accepts it. */
export const validateWithEnvoy = async (bootstrap: string): Promise<string | undefined> => envoyRejects(found(), bootstrap);

const found = (): string => {
  if (envoy === undefined) throw new Error(howToGetEnvoy);
  return envoy;
};
