/** What the HTTP port answers. The JSON of `/api/v1` is what the verbs `status`, `dump` and `explain` show; docs/cli.md documents it. */
import type { ClientStatus } from '../../xds/ads/events.ts';
import type { ObjectKey } from '../lib/key.ts';
import type { StatusWithTimes } from '../model/cluster-status.ts';
import { dumpOf, resourceTypeNamed, resourceTypes } from './dump.ts';
import { explainTarget } from './explain/target.ts';
import { type Answer, type Handlers, json } from './http.ts';
import { healthOf, readiness, type Vitals } from './health.ts';
import type { Known } from './known.ts';
import type { Metrics } from './metrics.ts';
import { statusReportOf } from './status-report.ts';

/** Whose health and figures are asked for. */
export type Vital = { readonly vitals: () => Vitals; readonly metrics: Metrics };

/** For probes, monitoring and Prometheus. */
export const healthHandlersFor = ({ vitals, metrics }: Vital): Handlers => ({
  '/metrics': async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
  // The process answers, which is all a liveness probe may ask: a restart mends nothing else.
  '/healthz': () => json(200, { status: 'ok' }),
  '/ready': () => {
    const health = readiness(vitals());
    return json(health.status === 'ok' ? 200 : 503, health);
  },
  '/health': () => {
    const health = healthOf(vitals());
    return json(health.status === 'ok' ? 200 : 503, health);
  },
});

/** What is asked about: `known` is undefined until the first update. */
export type Subject = {
  readonly known: () => Known | undefined;
  readonly statusOf: (key: ObjectKey) => StatusWithTimes | undefined;
  readonly clients: () => readonly ClientStatus[];
};

/** For people and their tools; a running server and a verb working offline answer by the same functions. */
export const apiHandlersFor = ({ known, statusOf, clients }: Subject): Handlers => ({
  '/api/v1/status': () => once(known(), (all) => json(200, statusReportOf(all, statusOf, clients()))),
  '/api/v1/dump': (query) =>
    once(known(), ({ resources }) => {
      const gateway = query.get('gateway') ?? undefined;
      const word = query.get('type') ?? undefined;
      const type = word === undefined ? undefined : resourceTypeNamed(word);
      if (word !== undefined && type === undefined) return json(400, { error: `no type ${word}; there is ${resourceTypes.join(', ')}` });
      if (gateway !== undefined && !resources.has(gateway)) return json(404, { error: noGateway(gateway, resources) });
      return json(200, dumpOf(resources, { ...(gateway === undefined ? {} : { gateway }), ...(type === undefined ? {} : { type }) }));
    }),
  '/api/v1/explain': (query) =>
    once(known(), (all) => {
      const gateway = query.get('gateway') ?? undefined;
      const peer = query.get('peer') ?? undefined;
      const explained = explainTarget(all, {
        target: query.get('target') ?? '',
        method: query.get('method') ?? 'GET',
        headers: query.getAll('header'),
        ...(gateway === undefined ? {} : { gateway }),
        ...(peer === undefined ? {} : { peer }),
      });
      return typeof explained === 'string' ? json(400, { error: explained }) : json(200, explained);
    }),
});

const once = (known: Known | undefined, then: (known: Known) => Answer): Answer =>
  known === undefined ? json(503, { error: 'not synced yet' }) : then(known);

const noGateway = (name: string, resources: ReadonlyMap<string, unknown>): string =>
  `no accepted Gateway ${name}; there is ${resources.size === 0 ? 'none' : [...resources.keys()].join(', ')}`;
