/** Provisioned Envoys: who makes them, and what became of them. */
import { combineLatest, distinctUntilChanged, map, type Observable, of, scan, shareReplay, switchMap } from 'rxjs';
import type { GatewayContext, XdsCredentials } from '../../../controllers/gateway/context.ts';
import { type Entrances, entrancesBuilder } from '../../../controllers/gateway/entrances.ts';
import { type FleetStatus, fleetsOf } from '../../../controllers/gateway/fleet.ts';
import { observeProvisioned, type Provisioned } from '../../../controllers/gateway/observe.ts';
import { provision, type Refusals } from '../../../controllers/gateway/provisioner.ts';
import { managedResources } from '../../../controllers/runtime/kinds.ts';
import { secretNameOf } from '../../../controllers/gateway/secret.ts';
import type { XdsCertificates } from '../../../controllers/xds-certificates/authority-secret.ts';
import { clientCertificatesOf } from '../../../controllers/xds-certificates/client-certificates.ts';
import type { Config } from '../../config.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import { type LocalKey, localKey, localKeyOf } from '../../lib/key.ts';
import type { Infrastructure } from '../../model/infrastructure.ts';
import type { Logger } from '../../ops/log.ts';
import type { Update } from '../../pipeline.ts';
import { tellReadingFailures } from './reading-failures.ts';
import { xdsHostOf } from './xds-certificates.ts';

type Infrastructures = ReadonlyMap<string, Infrastructure>;

export type FleetsOptions = {
  readonly api: ApiServer;
  readonly config: Config;
  readonly update$: Observable<Update>;
  /** Absent where xDS is served in plain text. */
  readonly certificates$: Observable<XdsCertificates> | undefined;
  /** While we lead, what is aborted when we cease to. */
  readonly leading$: Observable<AbortSignal | undefined>;
  readonly log: Logger;
  /** A Gateway's Envoys could not be made, or made as wanted; it is tried again where that may help. */
  readonly failed: () => void;
};

/** What became of each Gateway's Envoys, by `namespace/name`; while we lead, they are made as well. Works while it is subscribed to. */
export const fleetsOn = (options: FleetsOptions): Observable<ReadonlyMap<string, FleetStatus>> => {
  const { api, config, update$, log } = options;
  const infrastructures$ = infrastructuresOf(update$);
  const nodeAddresses$ = update$.pipe(
    map(({ state }) => state.objects.Node),
    distinctUntilChanged(),
    map((nodes) => [...nodes.values()].flatMap(internalAddresses)),
  );
  const provisioned$ = observeProvisioned(api, config.watchNamespaces).pipe(
    tellReadingFailures(log),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
  const refusals$ = refusalsOf(options, infrastructures$, provisioned$);
  return combineLatest([infrastructures$, provisioned$, nodeAddresses$, refusals$]).pipe(
    scan(
      (fleets, [infrastructures, { objects }, nodeAddresses, refusals]) =>
        fleetsOf(infrastructures, { observed: objects, nodeAddresses, refusals }, fleets),
      new Map<string, FleetStatus>() as ReadonlyMap<string, FleetStatus>,
    ),
    distinctUntilChanged(sameEntries),
  );
};

/** Keeps what Envoys that others run show us in a Secret for each Gateway, while we lead and it is subscribed to. */
export const credentialsOn = (options: FleetsOptions): Observable<unknown> => {
  const { api, config, update$, log } = options;
  const provisioned$ = observeProvisioned(api, config.watchNamespaces, [managedResources.Secret]).pipe(
    tellReadingFailures(log),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
  return refusalsOf(options, infrastructuresOf(update$), provisioned$);
};

const infrastructuresOf = (update$: Observable<Update>): Observable<Infrastructures> =>
  update$.pipe(
    map(({ graph }) => graph.infrastructures),
    distinctUntilChanged(),
  );

const entrancesIn = (update$: Observable<Update>): Observable<ReadonlyMap<string, Entrances>> => {
  const entrancesOf = entrancesBuilder();
  return update$.pipe(
    map(({ graph }) => entrancesOf(graph)),
    distinctUntilChanged(),
  );
};

/** Makes Envoys in each term of ours; a term's refusals end with it. */
const refusalsOf = (
  { api, config, update$, certificates$, leading$, log, failed }: FleetsOptions,
  infrastructures$: Observable<Infrastructures>,
  provisioned$: Observable<Provisioned>,
): Observable<Refusals> => {
  const context$ = contextsOf(config, infrastructures$, provisioned$, certificates$, log);
  return leading$.pipe(
    switchMap((signal) =>
      signal === undefined
        ? of(noRefusals)
        : provision({
            api,
            signal,
            world$: combineLatest([infrastructures$, context$, entrancesIn(update$), provisioned$]).pipe(
              map(([infrastructures, contextOf, entrances, { objects }]) => ({ infrastructures, contextOf, entrances, observed: objects })),
            ),
            failed: (gateway, error, retryInMs) => {
              failed();
              log.warn(`Gateway ${gateway}: what its Envoys need cannot be written${again(retryInMs)}: ${(error as Error).message}`);
            },
          }),
    ),
  );
};

const noRefusals: Refusals = new Map();
const again = (retryInMs: number | undefined): string => (retryInMs === undefined ? '' : `, next try in ${Math.ceil(retryInMs / 1000)} s`);

type ContextOf = (infrastructure: Infrastructure) => GatewayContext;

/** Where each Gateway's Envoys find us, and what they show us: issued, renewed, and the same object while nothing about it changes. */
const contextsOf = (
  config: Config,
  infrastructures$: Observable<Infrastructures>,
  provisioned$: Observable<Provisioned>,
  certificates$: Observable<XdsCertificates> | undefined,
  log: Logger,
): Observable<ContextOf> => {
  const common = {
    xds: { host: xdsHostOf(config), port: config.xdsAddress.port },
    ...(config.envoyImage === undefined ? {} : { image: config.envoyImage }),
    ...(config.provisioning ? {} : { credentialsOnly: true as const }),
  };
  if (certificates$ === undefined) {
    return of(() => common);
  }
  return clientCertificatesOf({
    gateways$: infrastructures$.pipe(
      map((infrastructures) =>
        [...infrastructures.values()].map((infrastructure) => ({ ...infrastructure, secretName: secretNameOf(infrastructure) })),
      ),
    ),
    secrets$: provisioned$.pipe(
      map(({ objects }) => new Map(objects.filter(({ kind }) => kind === 'Secret').map((secret) => [localKeyOf(secret), secret]))),
    ),
    certificates$,
    issued: ({ namespace, name }, because) => log.info(`Gateway ${namespace}/${name}: new xDS certificate for its Envoys, as ${because}`),
  }).pipe(map(contextsWith(common)));
};

const contextsWith = (common: GatewayContext): ((credentials: ReadonlyMap<LocalKey, XdsCredentials>) => ContextOf) => {
  const waiting: GatewayContext = { ...common, tls: {} };
  let last = new Map<LocalKey, { readonly held: XdsCredentials; readonly context: GatewayContext }>();
  return (credentials) => {
    last = new Map(
      [...credentials].map(([gateway, held]) => {
        const before = last.get(gateway);
        return [
          gateway,
          before !== undefined && same(before.held, held) ? before : { held, context: { ...common, tls: { credentials: held } } },
        ];
      }),
    );
    const now = last;
    return ({ namespace, name }) => now.get(localKey(namespace, name))?.context ?? waiting;
  };
};

const same = (one: XdsCredentials, other: XdsCredentials): boolean =>
  one.certificate === other.certificate && one.privateKey === other.privateKey && one.caBundle === other.caBundle;

type NodeLike = { readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] } };

const internalAddresses = ({ status }: NodeLike): readonly string[] =>
  (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);

const sameEntries = <V>(one: ReadonlyMap<string, V>, other: ReadonlyMap<string, V>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
