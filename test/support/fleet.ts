/** YAML through the program's own steps to a real Envoy over ADS: what tests of traffic stand on. No files, no command line. */
import { filter, firstValueFrom, type Subscription, timeout } from 'rxjs';
import type { Graph } from '../../src/model/graph.ts';
import { type ModelOptions, graphBuilder } from '../../src/model/build.ts';
import type { AdsEvent } from '../../xds/ads/events.ts';
import { type AdsServer, adsServer } from '../../xds/ads/server.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import type { TranslateOptions } from '../../xds/translate/options.ts';
import { translator } from '../../xds/translate/translate.ts';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';
import { objectsIn, objectsOf } from './gateway-api.ts';
import { type ApiType, edgeBootstrap, eventually } from './world.ts';

export type FleetOptions = {
  readonly apiType?: ApiType;
  readonly model?: Partial<ModelOptions>;
  readonly translation?: Partial<TranslateOptions>;
};

/** One Envoy of Gateway `default/edge`, and the control plane it follows. */
export type Fleet = {
  readonly envoy: RunningEnvoy;
  /**
   * Makes `yaml` the whole configuration; resolves with what it means once Envoy has accepted all of it and nothing is warming.
   * Throws on documents that an API server would refuse, and when Envoy rejects something, with its words.
   */
  readonly apply: (yaml: string) => Promise<Graph>;
  /** The same for a graph made by hand. */
  readonly applyGraph: (graph: Graph) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Whoever starts it stops it. Ports below 1024 are shifted by 10000 unless `model` says otherwise, as in `serve`. */
export const startFleet = async ({ apiType = 'DELTA_GRPC', model, translation }: FleetOptions = {}): Promise<Fleet> => {
  const ads = adsServer({ address: '127.0.0.1:0', groupOf: ({ cluster }) => cluster, controlPlaneId: 'fleet' });
  const rejections = rejectionsOf(ads);
  const connected = next(ads, 'connected');
  const envoy = await startEnvoy({ bootstrap: edgeBootstrap(await ads.listen(), apiType) });
  await connected;
  const build = graphBuilder({ privilegedPorts: false, exclusivePorts: true, defaultAddresses: ['127.0.0.1'], ...model });
  const translate = translator(translation);
  let snapshot: Snapshot | undefined;
  const applyGraph = async (graph: Graph): Promise<void> => {
    const resources = translate(graph).get('default/edge');
    if (resources === undefined) throw new Error(`Gateway default/edge is not accepted: ${JSON.stringify([...graph.statuses.values()])}`);
    const before = snapshot;
    snapshot = snapshotOf(resources, before);
    if (snapshot !== before) {
      rejections.forget();
      const accepted = next(ads, 'current');
      ads.publish('default/edge', snapshot);
      await accepted.catch((error: unknown) => {
        rejections.check();
        throw new Error(`Envoy does not follow: ${JSON.stringify(ads.clients(), undefined, 1)}\n${envoy.log()}`, { cause: error });
      });
    }
    await envoy.live();
    await eventually(
      () => envoy.admin('/stats?filter=warming'),
      (stats) => stats.includes('warming') && !/warming(_clusters)?: [1-9]/.test(stats) && isSettled(ads),
    );
    rejections.check();
  };
  return {
    envoy,
    applyGraph,
    apply: async (yaml) => {
      const graph = build(objectsOf(objectsIn(yaml)));
      await applyGraph(graph);
      return graph;
    },
    stop: async () => {
      await envoy.stop();
      rejections.subscription.unsubscribe();
      await ads.drain(0);
    },
  };
};

/** The next event of a kind. */
const next = (ads: AdsServer, kind: AdsEvent['kind']): Promise<AdsEvent> =>
  firstValueFrom(
    ads.events$.pipe(
      filter((event) => event.kind === kind),
      timeout(20_000),
    ),
  );

const isSettled = (ads: AdsServer): boolean => ads.clients().every(({ types }) => types.every(({ acknowledged }) => acknowledged));

type Rejections = { readonly subscription: Subscription; readonly forget: () => void; readonly check: () => void };

const rejectionsOf = (ads: AdsServer): Rejections => {
  let said: string[] = [];
  const subscription = ads.events$.subscribe((event) => {
    if (event.kind === 'nack') said.push(`${event.typeUrl} ${event.names.join(', ')}: ${event.error}`);
  });
  return {
    subscription,
    forget: () => void (said = []),
    check: () => {
      if (said.length > 0) throw new Error(`Envoy rejected:\n${said.join('\n')}`);
    },
  };
};
