import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AdsStats } from '../../xds/ads/events.ts';
import { allKinds } from '../api/kinds.ts';
import { certificateValidity } from '../model/gateways/certificates.ts';
import { issuedRecently, suffixOf } from '../model/sharing/certificate-budget.ts';
import { certificatesIn, obtainedIn } from './certificates.ts';
import { resourceTypes } from './dump.ts';
import type { TailnetState } from '../api/observations.ts';
import { partsOf } from '../lib/key.ts';
import type { Known } from './known.ts';
import type { Vitals } from './health.ts';

export type Metrics = {
  /** The text that Prometheus scrapes, and its content type. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
  readonly stage: (stage: string, seconds: number) => void;
  /** Seconds from publishing a snapshot until a client had accepted all of it. */
  readonly pushed: (seconds: number) => void;
  readonly buildFailed: () => void;
  readonly nack: (type: string) => void;
  readonly tailscaleCall: (call: TailscaleCall) => void;
};

/** One call to a tailnet's API. `status`: HTTP's, or why there was none. */
export type TailscaleCall = { readonly tailnet: string; readonly call: string; readonly status: string; readonly seconds: number };

/** Where the figures come from that are read when somebody scrapes. */
export type Figures = {
  readonly ads: () => AdsStats;
  readonly known: () => Known | undefined;
  readonly vitals: () => Vitals;
  /** On a cluster only. */
  readonly cluster?: () => ClusterFigures;
};

/** Counts since the start, but for `leading` and what waits. */
export type ClusterFigures = {
  readonly leading: boolean;
  readonly statuses: {
    readonly written: number;
    readonly refused: number;
    readonly conflicts: number;
    readonly failed: number;
    readonly ready: number;
    readonly waiting: number;
    readonly writing: number;
  };
  readonly events: { readonly told: number; readonly dropped: number };
  readonly provisioning: { readonly failed: number };
};

/** All metrics: `tailplane_*` and Node's own. */
export const metricsOf = ({ ads, known, vitals, cluster }: Figures): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (set: (value: number, ...labels: string[]) => void) => void,
  ): void => {
    const metric: Gauge = new Gauge({
      name: `tailplane_${name}`,
      help,
      labelNames,
      registers,
      collect: () => {
        metric.reset();
        collect((value, ...labels) =>
          metric.set(Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ''])), value),
        );
      },
    });
  };
  // Counted elsewhere, so each scrape starts from nothing and adds all of it: the sum only grows.
  const counter = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (add: (value: number, ...labels: string[]) => void) => void,
  ): void => {
    const metric: Counter = new Counter({
      name: `tailplane_${name}`,
      help,
      labelNames,
      registers,
      collect: () => {
        metric.reset();
        collect((value, ...labels) =>
          metric.inc(Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ''])), value),
        );
      },
    });
  };
  const tailnets = (): Iterable<TailnetState> => known()?.state.observations?.tailnets.values() ?? [];
  const perType = (name: string, help: string, field: 'responses' | 'bytes' | 'resources' | 'acks'): void =>
    counter(name, help, ['type'], (add) => {
      for (const [typeUrl, counts] of ads().byType) add(counts[field], shortName(typeUrl));
    });

  gauge('streams', 'Open xDS streams', ['mode'], (set) => {
    set(ads().streams.sotw, 'sotw');
    set(ads().streams.delta, 'delta');
  });
  counter('requests_total', 'xDS requests received', [], (add) => add(ads().requests));
  counter('malformed_requests_total', 'xDS requests that could not be read', [], (add) => add(ads().malformed));
  counter('denied_streams_total', 'xDS streams of clients that may not have what they ask for', [], (add) => add(ads().denied));
  counter('refused_connections_total', 'xDS connections refused before their first request, as for a bad certificate', [], (add) =>
    add(ads().refused),
  );
  perType('pushes_total', 'xDS responses sent', 'responses');
  perType('pushed_bytes_total', 'Bytes of xDS responses sent', 'bytes');
  perType('pushed_resources_total', 'Resources in xDS responses sent', 'resources');
  perType('acks_total', 'xDS responses accepted', 'acks');
  gauge('rejected_resources', 'Resources that some Envoy rejects now', [], (set) => set(vitals().rejected));
  gauge('ready', '1 when Envoys are served', [], (set) => set(vitals().published && !vitals().stopping ? 1 : 0));
  gauge('source_synced', '1 when the source has its first list whole', ['source'], (set) => {
    for (const { name, synced } of vitals().sources) set(synced ? 1 : 0, name);
  });
  gauge('source_failing', '1 while the source cannot be read and its last good state stands', ['source'], (set) => {
    for (const { name, error } of vitals().sources) set(error === undefined ? 0 : 1, name);
  });
  gauge('source_last_read_timestamp_seconds', 'When the source last gave something', ['source'], (set) => {
    for (const { name, lastRead } of vitals().sources) set(lastRead / 1000, name);
  });
  gauge('source_problems', 'Documents and files that could not be read as meant', ['severity'], (set) => {
    const problems = known()?.state.problems ?? [];
    for (const severity of ['error', 'warning']) set(problems.filter((problem) => problem.severity === severity).length, severity);
  });
  gauge('objects', 'Objects read', ['kind'], (set) => {
    const objects = known()?.state.objects;
    if (objects !== undefined) for (const kind of allKinds) set(objects[kind].size, kind);
  });
  gauge('gateways', 'Gateways served', [], (set) => set(known()?.graph.gateways.size ?? 0));
  gauge('resources', 'Envoy resources of all Gateways', ['type'], (set) => {
    const all = [...(known()?.resources.values() ?? [])];
    for (const type of resourceTypes)
      set(
        all.reduce((sum, resources) => sum + resources[type].size, 0),
        type,
      );
  });

  gauge('tailnet_devices', 'Devices of a tailnet, as its API last told', ['tailnet', 'state'], (set) => {
    for (const { name, known: told } of tailnets()) {
      const devices = [...(told?.devices.values() ?? [])];
      const usable = devices.filter((device) => device.usable).length;
      set(usable, name, 'usable');
      set(devices.length - usable, name, 'unusable');
    }
  });
  gauge('tailnet_anonymous', '1 while no peer is known by its address, as machines were last listed too long ago', ['tailnet'], (set) => {
    for (const { name, trouble } of tailnets()) set(trouble?.anonymous ? 1 : 0, name);
  });
  gauge('tailnet_trouble', '1 while a tailnet cannot be asked, and why', ['tailnet', 'reason'], (set) => {
    for (const { name, trouble } of tailnets()) if (trouble !== undefined) set(1, name, trouble.kind);
  });

  gauge(
    'certificate_expiry_timestamp_seconds',
    'When a certificate expires that Envoys are given, by its Secret',
    ['namespace', 'name'],
    (set) => {
      for (const certificate of certificatesIn(known()?.graph)) {
        const { namespace, name } = partsOf(certificate.owner);
        const validity = certificateValidity(certificate);
        if (validity !== undefined) set(validity.to / 1000, namespace, name);
      }
    },
  );
  gauge('magicdns_certificates_issued_recently', 'Certificates of MagicDNS names issued in the last seven days', ['tailnet'], (set) => {
    const obtained = obtainedIn(known()?.graph);
    const counts = issuedRecently(obtained, Date.now());
    for (const { tailnet, name } of obtained) set(counts.get(suffixOf(name)) ?? 0, tailnet);
  });

  if (cluster !== undefined) {
    gauge('leader', '1 while this replica writes statuses and provisions Envoys', [], (set) => set(cluster().leading ? 1 : 0));
    counter('status_writes_total', 'Statuses written, or not', ['outcome'], (add) => {
      const { statuses } = cluster();
      for (const outcome of ['written', 'refused', 'conflicts', 'failed'] as const) add(statuses[outcome], outcome);
    });
    gauge('status_queue', 'Statuses to compare or write, now or later', ['state'], (set) => {
      const { statuses } = cluster();
      for (const state of ['ready', 'waiting', 'writing'] as const) set(statuses[state], state);
    });
    counter('events_total', 'Kubernetes Events written, or dropped in a flood', ['outcome'], (add) => {
      const { events } = cluster();
      for (const outcome of ['told', 'dropped'] as const) add(events[outcome], outcome);
    });
    counter('provisioning_failures_total', 'Tries to provision Envoys of a Gateway that failed', [], (add) =>
      add(cluster().provisioning.failed),
    );
  }
  const stages = new Histogram({
    name: 'tailplane_stage_duration_seconds',
    help: 'Time in each stage of a change, from the first event to the snapshot handed to the streams',
    labelNames: ['stage'],
    buckets: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const pushes = new Histogram({
    name: 'tailplane_push_duration_seconds',
    help: 'From publishing a snapshot until a client had accepted all of it',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers,
  });
  const failures = new Counter({ name: 'tailplane_build_errors_total', help: 'Changes whose build threw', registers });
  const nacks = new Counter({ name: 'tailplane_nacks_total', help: 'xDS responses rejected', labelNames: ['type'], registers });
  const calls = new Counter({
    name: 'tailplane_tailscale_api_calls_total',
    help: "Calls to tailnets' APIs by HTTP status, or by why there was none",
    labelNames: ['tailnet', 'call', 'status'],
    registers,
  });
  const callDurations = new Histogram({
    name: 'tailplane_tailscale_api_call_duration_seconds',
    help: "Time that calls to tailnets' APIs took",
    labelNames: ['call'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    stage: (stage, seconds) => stages.observe({ stage }, seconds),
    pushed: (seconds) => pushes.observe(seconds),
    buildFailed: () => failures.inc(),
    nack: (typeUrl) => nacks.inc({ type: shortName(typeUrl) }),
    tailscaleCall: ({ tailnet, call, status, seconds }) => {
      calls.inc({ tailnet, call, status });
      callDurations.observe({ call }, seconds);
    },
  };
};

const shortName = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
