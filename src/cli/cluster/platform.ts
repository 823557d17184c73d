/** On a cluster: informers in, statuses and Envoys out, one leader among equal replicas. */
import { distinctUntilChanged, filter, map, ReplaySubject, Subject, Subscription } from 'rxjs';
import { groupByCertificate, groupByClaim } from '../../../xds/ads/identity.ts';
import { EventRecorder } from '../../../controllers/events/recorder.ts';
import { fleetOverlay } from '../../../controllers/gateway/overlay.ts';
import type { FleetStatus } from '../../../controllers/gateway/fleet.ts';
import { Replicas } from '../../../controllers/replicas/replicas.ts';
import { Elector, identityOf, type LeaseNews } from '../../../controllers/runtime/lease.ts';
import { standingConditions } from '../../../controllers/status/standing.ts';
import { StatusWriter } from '../../../controllers/status/writer.ts';
import { vipServicesController } from '../../../controllers/vip-services/controller.ts';
import type { Config } from '../../config.ts';
import { requestToken } from '../../kubernetes/token-request.ts';
import { differingKeys } from '../../lib/changed-map.ts';
import { holdUntil } from '../../lib/hold-until.ts';
import { settle } from '../../lib/settle.ts';
import type { LocalKey, ObjectKey } from '../../lib/key.ts';
import { controllerName } from '../../model/build.ts';
import type { Infrastructure } from '../../model/infrastructure.ts';
import type { Status } from '../../model/status.ts';
import type { Logger } from '../../ops/log.ts';
import type { TailscaleCall } from '../../ops/metrics.ts';
import type { Update } from '../../pipeline.ts';
import type { ObservedObject } from '../../sources/kubernetes/observed.ts';
import { kubernetesSource } from '../../sources/kubernetes/kubernetes-source.ts';
import { hours } from '../../sources/hours.ts';
import { observing } from '../../sources/observing.ts';
import type { Platform, Running } from '../platform.ts';
import { stepsFor } from '../steps.ts';
import { tailnetsFor } from '../tailnets.ts';
import { clusterApiOf } from './api.ts';
import { clusterNameOf } from './cluster-name.ts';
import { credentialsOn, fleetsOn } from './fleets.ts';
import { knownSoon, proxiesOn } from './proxies.ts';
import { templatesOn } from './templates.ts';
import { certificatesOn } from './xds-certificates.ts';

/** How long a status waits for Envoys to take what it tells of. */
const patienceMs = 500;
/**
 * The API server takes a status in about the time of an apply. So that statuses do not hold up the changes that they tell of, a few wait for a
 * moment, in which Envoys take the change, and those of a burst of changes until it is over, or for a second.
 */
const calmly = settle<ReadonlyMap<ObjectKey, Status>>(
  (latest, written) => (written === undefined || differingKeys(written, latest).length <= 5 ? 20 : 300),
  () => 1000,
);

/** The cluster that `config` names. Throws UsageError when its kubeconfig cannot be read. */
export const clusterPlatform = async (config: Config, log: Logger, called: (call: TailscaleCall) => void): Promise<Platform> => {
  const api = await clusterApiOf(config);
  const clusterName = config.clusterName ?? (await clusterNameOf(api, log));
  const namespaces = config.watchNamespaces.length === 0 ? {} : { namespaces: config.watchNamespaces };
  const { state$, observed } = kubernetesSource({ api, controllerName, ownNamespace: config.namespace, name: 'Kubernetes', ...namespaces });
  const account = { namespace: config.namespace, name: config.serviceAccountName };
  const identityToken = (audience: string): Promise<string> => requestToken(api, account, audience);
  const tailnets = tailnetsFor({ source: state$, config, log, called, identityToken });
  const identity = identityOf(config.podName);
  const elector = new Elector({
    api,
    namespace: config.namespace,
    name: config.leaseName,
    identity,
    times: { durationMs: config.leaseDuration, renewMs: config.leaseRenewDeadline, retryMs: config.leaseRetry },
    told: (news) => tellElection(log, news),
  });
  const leads$ = elector.leading$.pipe(
    map((term) => term !== undefined),
    distinctUntilChanged(),
  );
  const now = (): Date => new Date();
  const recorder = new EventRecorder({ api, reporter: { controllerName, instance: config.podName }, election: elector, now, log });
  const writer = new StatusWriter({
    api,
    observed,
    election: elector,
    controllerName,
    now,
    log,
    events: (occurrence) => recorder.record(occurrence),
  });
  const certificates$ = config.xdsTls === 'off' ? undefined : certificatesOn(api, config, leads$, log);
  const update$ = new ReplaySubject<Update>(1);
  let running: Running | undefined;
  const replicas = new Replicas({
    api,
    replica: { namespace: config.namespace, pod: config.podName, ...(config.podUid === undefined ? {} : { podUid: config.podUid }) },
    process: identity,
    clients: () => running?.ads.clients() ?? [],
    failed: (error) => log.warn(`other replicas cannot be told of the Envoys here: ${(error as Error).message}`),
  });
  const proxies = proxiesOn({ api, config, update$, leading$: elector.leading$, tailnets, envoys: replicas, log });
  const sharedServices$ = vipServicesController({
    clusterName,
    wishes$: update$.pipe(map(({ graph }) => graph.vipServices)),
    tailnets$: tailnets.tailnets$,
    proxies$: proxies.observed$,
    clientOf: tailnets.clientOf,
    mayRelease: proxies.mayRelease,
    leading$: elector.leading$,
    log,
  });
  const told$ = new Subject<ReadonlyMap<ObjectKey, Status>>();
  const work = new Subscription();
  const withFleets = fleetOverlay();
  /** Until they are known, no status is written: what it would say of addresses is not known either. */
  let fleets: ReadonlyMap<string, FleetStatus> | undefined;
  let updating = false;
  let provisioningFailures = 0;

  return {
    source: observing(state$, {
      tailnets: tailnets.tailnets$,
      proxies: knownSoon(proxies.observed$),
      sharedServices: sharedServices$,
      hour: hours(Date.now),
    }),
    steps: stepsFor({ privilegedPorts: false, onCluster: true, clusterName, ingressProxyRanges: config.ingressProxyRanges }),
    groupOf: certificates$ === undefined ? groupByClaim : groupByCertificate,
    ...(certificates$ === undefined ? {} : { tls$: certificates$.pipe(map(({ server }) => server)) }),
    figures: () => ({
      leading: elector.isLeading,
      statuses: writer.stats,
      events: recorder.stats,
      provisioning: { failed: provisioningFailures },
    }),
    status: {
      overlay: (statuses) =>
        withFleets(statuses, fleets ?? new Map(), {
          accepted: (gateway) => replicas.accepted(gateway),
          programmed: (gateway) => isProgrammed(observed.get(`Gateway/${gateway as LocalKey}`)),
        }),
      told: (statuses) => {
        if (fleets !== undefined && replicas.synced) told$.next(statuses);
      },
      rejectedElsewhere: () => replicas.rejections(),
      beside: tailnets.health,
    },
    start: (parts) => {
      running = parts;
      const { ads, overview } = parts;
      work.add(ads.events$.subscribe(() => replicas.happened()));
      const refresh = (): void => {
        if (!updating) overview.refresh();
      };
      // What a status says should be so when somebody reads it: Envoys take a change in milliseconds, and nobody waits long for a slow one.
      const areCurrent = (): boolean => ads.clients().every(({ served, current }) => current || !served);
      const looks$ = ads.events$.pipe(filter(({ kind }) => kind === 'current' || kind === 'disconnected'));
      work.add(told$.pipe(holdUntil(areCurrent, looks$, patienceMs), calmly).subscribe((statuses) => writer.want(statuses)));
      work.add(replicas.changes$.subscribe(refresh));
      const making = { api, config, update$, certificates$, leading$: elector.leading$, log, failed: () => provisioningFailures++ };
      if (!config.provisioning && certificates$ !== undefined) work.add(credentialsOn(making).subscribe());
      const fleets$ = config.provisioning ? fleetsOn(making) : update$.pipe(map(({ graph }) => othersFleets(graph.infrastructures)));
      work.add(
        fleets$.subscribe((next) => {
          fleets = next;
          refresh();
        }),
      );
      work.add(templatesOn(making).subscribe());
      work.add(proxies.work$.subscribe());
      replicas.start();
      elector.start();
    },
    updated: (update) => {
      // Statuses are looked at when all of us have heard of the update.
      updating = true;
      replicas.published(update);
      update$.next(update);
      updating = false;
    },
    resign: async () => {
      writer.stop();
      recorder.stop();
      await elector.stop();
    },
    stop: async () => {
      work.unsubscribe();
      await replicas.stop();
      await tailnets.stop();
    },
  };
};

/** Envoys that somebody else runs: they are taken to be where their Gateway asks for them. */
const othersFleets = (infrastructures: ReadonlyMap<string, Infrastructure>): ReadonlyMap<string, FleetStatus> =>
  new Map(
    [...infrastructures].map(([gateway, { addresses }]) => [
      gateway,
      { addresses: addresses.map((value) => ({ type: 'IPAddress', value })), desired: 0, ready: 0 },
    ]),
  );

const tellElection = (log: Logger, news: LeaseNews): void => {
  if (news.kind === 'leading') log.info(`leading, for the ${news.transitions + 1}. term of this Lease`);
  else if (news.kind === 'lost') log.info(`not leading: ${news.reason}`);
  else if (news.kind === 'failing') log.warn(`the Lease cannot be used: ${(news.error as Error).message}`);
  else log.info('the Lease can be used again');
};

const isProgrammed = (standing: ObservedObject | undefined): boolean =>
  standingConditions('Gateway', standing?.status ?? {}, controllerName).some(
    ({ about, type, status }) => about === undefined && type === 'Programmed' && status === 'True',
  );
