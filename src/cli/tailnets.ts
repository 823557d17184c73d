/** Tailnets as every platform knows them: asked about by their APIs, the simulated one included, and joined with configuration. */
import { distinctUntilChanged, filter, map, type Observable, shareReplay } from 'rxjs';
import type { Observations } from '../api/observations.ts';
import type { Config } from '../config.ts';
import { hostPortText } from '../lib/host-port.ts';
import type { Logger } from '../ops/log.ts';
import type { TailscaleCall } from '../ops/metrics.ts';
import type { Source, SourceHealth } from '../sources/source.ts';
import { tailnetsSource } from '../sources/tailnets/tailnets-source.ts';
import type { TailscaleClient } from '../tailscale/client.ts';
import { packageVersion } from './package.ts';
import { type StartedSimulator, startedSimulator } from './simulate.ts';

export type TailnetsOptions = {
  readonly source: Source;
  readonly config: Config;
  readonly log: Logger;
  readonly called: (call: TailscaleCall) => void;
  /** Absent where nobody vouches for us: tailnets with workload identity are then told so. */
  readonly identityToken?: (audience: string) => Promise<string>;
};

export type Tailnets = {
  readonly tailnets$: Observable<Observations['tailnets']>;
  /** Of a TailscaleTailnet by name, while it can be asked. */
  readonly clientOf: (tailnet: string) => TailscaleClient | undefined;
  readonly health: () => readonly SourceHealth[];
  readonly stop: () => Promise<void>;
};

export const tailnetsFor = ({ source, config, log, called, identityToken }: TailnetsOptions): Tailnets => {
  let simulator: Promise<StartedSimulator> | undefined;
  const simulated = async (): Promise<string> => {
    simulator ??= startedSimulator(
      {
        address: hostPortText(config.simulatorAddress),
        ...(config.simulatorState === undefined ? {} : { state: config.simulatorState }),
      },
      (error) => log.error(`--simulator-state: ${error.message}`),
    );
    try {
      const { url } = await simulator;
      log.info(`tailnet simulated at ${url}`);
      return url;
    } catch (error) {
      simulator = undefined;
      throw error;
    }
  };
  const objects$ = source.pipe(
    filter(({ health }) => health.synced),
    // No more than these: they rarely change, and as long every object that came with them would be kept.
    map(({ objects: { TailscaleTailnet, Secret } }) => ({ TailscaleTailnet, Secret })),
    distinctUntilChanged((one, other) => one.TailscaleTailnet === other.TailscaleTailnet && one.Secret === other.Secret),
  );
  const { tailnets$, clientOf, health } = tailnetsSource(objects$, {
    ownNamespace: config.namespace,
    intervalMs: config.tailnetInterval,
    identityMaxAgeMs: config.identityMaxAge,
    userAgent: `tailplane/${packageVersion()}`,
    simulated,
    called,
    ...(identityToken === undefined ? {} : { identityToken }),
  });
  return {
    tailnets$: tailnets$.pipe(shareReplay({ bufferSize: 1, refCount: true })),
    clientOf,
    health,
    stop: async () => {
      const started = await simulator?.catch(() => undefined);
      await started?.close();
    },
  };
};
