import { localKey, partsOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import type { Backend, HealthCheck, Reach } from '../../model/graph.ts';
import type { ModelTables } from '../../model/tables.ts';
import { checkIn } from '../../model/tailnets/reach.ts';
import type { Step } from './explanation.ts';
import type { Source } from './machines.ts';

export type TailnetBackend = Backend & { readonly reach: Reach };

/** How Envoys get to the machines, in words, each way once. */
export const reachStep = ({ reach }: TailnetBackend, sources: readonly Source[]): Step => ({
  at: 'reach',
  name: reach.form,
  detail: [...new Set(sources.flatMap((source) => waysIn(source, reach.form)))].join('; '),
});

const waysIn = ({ path: { carrier, written }, tailnet }: Source, form: Reach['form']): readonly string[] => {
  const outside = written.filter(({ externalTarget }) => externalTarget !== undefined);
  const ways = outside.length > 0 || tailnet === undefined ? ['outside of tailnets, by address or by a name that Envoy resolves'] : [];
  if (tailnet === undefined || (written.length > 0 && outside.length === written.length)) return ways;
  switch (carrier.mode) {
    case 'direct':
      return [`directly: Envoys have to stand in tailnet "${tailnet}" themselves`, ...ways];
    case 'forward':
      return [`by ports that the proxies of ${carrier.set} forward into tailnet "${tailnet}"`, ...ways];
    case 'connect': {
      const how =
        form === 'proxied'
          ? `through the HTTP proxy of ${carrier.set}`
          : `through a tunnel in Envoy, and by CONNECT through any ready HTTP proxy of ${carrier.set}`;
      return [`${how} into tailnet "${tailnet}"`, ...ways];
    }
  }
};

/** Whether Envoy asks endpoints how they are, and why not. */
export const healthStep = (backend: TailnetBackend, sources: readonly Source[], read: Read<ModelTables>): Step => {
  const { healthCheck, outlierDetection } = backend.reach;
  if (healthCheck !== undefined) return { at: 'health', name: 'active', detail: activeText(backend, healthCheck) };
  const passive = outlierDetection ? 'an endpoint that fails three times in a row is left alone for a while' : 'every endpoint is used';
  return { at: 'health', name: 'passive', detail: `${whyNot(backend, isWanted(backend, sources, read))}; ${passive}` };
};

const activeText = ({ reach: { form }, tls }: TailnetBackend, { path, intervalMs, timeoutMs }: HealthCheck): string => {
  const asked = `${path === undefined ? 'by connecting' : `GET ${path}`} every ${intervalMs / 1000} s, for ${timeoutMs / 1000} s at most`;
  // A proxy takes the connection before it has one of its own.
  return form === 'proxied' && path === undefined && tls === undefined
    ? `${asked}, which shows the proxy and not what is behind it: give healthCheck.path`
    : asked;
};

const whyNot = ({ reach: { form }, protocol }: TailnetBackend, wanted: boolean): string => {
  if (!wanted) return 'no active health checks are asked for';
  if (protocol === 'udp') return 'active health checks are asked for, but packets cannot be checked';
  return form === 'tunnelled'
    ? 'active health checks are asked for, but do not work through a tunnel: they do with one replica and every machine by tailscaleIP, or with mode forward or direct'
    : 'active health checks are asked for';
};

const isWanted = ({ key }: Backend, sources: readonly Source[], read: Read<ModelTables>): boolean => {
  const { kind, namespace, name } = partsOf(key);
  const services = kind === 'TailscaleServices' ? read('TailscaleServices', localKey(namespace, name)) : undefined;
  const own = services?.spec.loadBalancing?.healthCheck;
  return (own ?? checkIn(sources.flatMap(({ path }) => path.written)))?.enabled === true;
};
