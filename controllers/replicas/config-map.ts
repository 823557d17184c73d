import { fingerprint } from '../../src/lib/fingerprint.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { noReport, type Report, reportIn } from './report.ts';

/** Who writes a report: a pod, whose end takes the report with it where its uid is known. */
export type Replica = { readonly namespace: string; readonly pod: string; readonly podUid?: string };

/** Not the label of what Gateways own, whose watchers a heartbeat would wake. */
const label = { 'gateway.tailscale.com/report': 'replica' } as const;
export const reportSelector = Object.entries(label)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

export const isReport = ({ metadata }: KubeObject): boolean =>
  Object.entries(label).every(([name, value]) => metadata.labels?.[name] === value);

/**
 * A replica's report as it is kept. `heartbeat` differs each time, so that others hear of a replica that has nothing new to say; `process`
 * tells a replica from those that ran in the same pod before, whose Envoys it does not have.
 */
export const configMapFrom = (
  { namespace, pod, podUid }: Replica,
  { text, heartbeat, process }: { readonly text: string; readonly heartbeat: string; readonly process: string },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: configMapName(pod),
    namespace,
    labels: { 'app.kubernetes.io/name': 'tailplane', ...label },
    ...(podUid === undefined ? {} : { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod, uid: podUid }] }),
  },
  data: { heartbeat, process, report: text },
});

/** The reports among ConfigMaps, by who wrote them. One that cannot be read, as of a newer version of us, still says that its replica is there. */
export const reportsFrom = (objects: Iterable<KubeObject>): ReadonlyMap<string, { readonly report: Report; readonly version: string }> =>
  new Map(
    [...objects].filter(isReport).map(({ metadata, ...rest }) => {
      const { report = '', process = '' } = (rest['data'] ?? {}) as { readonly report?: string; readonly process?: string };
      return [`${metadata.name} ${process}`, { report: reportIn(report) ?? noReport, version: metadata.resourceVersion ?? '' }];
    }),
  );

/** A machine's name, where there is no pod, need not be what an API server takes for a name. */
export const configMapName = (pod: string): string => {
  const plain = pod.toLowerCase().replaceAll(/[^a-z0-9.-]/g, '-');
  const name = plain === pod && pod.length <= 200 ? pod : `${plain.slice(0, 200)}-${fingerprint(pod)}`;
  return `tailplane-replica-${name}`;
};
