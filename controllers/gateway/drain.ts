import { millisecondsOf } from '../../src/lib/duration.ts';
import type { ProxyParameters } from '../../src/model/infrastructure.ts';

const defaultDrainSeconds = 30;

/** For Envoy's own end after the drain, and for a slow kubelet. */
const marginSeconds = 15;

/** Whole seconds that connections have for ending by themselves. */
export const drainSecondsOf = ({ shutdown }: ProxyParameters): number =>
  shutdown?.drainTime === undefined ? defaultDrainSeconds : Math.ceil(millisecondsOf(shutdown.drainTime) / 1000);

/** From the beginning of a pod's end to its kill, drain included. */
export const gracePeriodSecondsOf = (parameters: ProxyParameters): number => drainSecondsOf(parameters) + marginSeconds;

/**
 * What a pod runs before its Envoy is told to end. Failed health checks make the pod unready and make Envoy ask clients to reconnect
 * (`Connection: close`, GOAWAY), while requests are still answered: clients that have not heard of the pod's end yet find it well. Spoken by
 * bash, since the image has no HTTP client. An Envoy that does not answer has nothing to drain: then the hook fails and the end comes at once.
 */
export const drainCommand = (adminPort: number, seconds: number): readonly string[] => [
  'bash',
  '-ec',
  `exec 3<>/dev/tcp/127.0.0.1/${adminPort}
printf 'POST /healthcheck/fail HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' >&3
read -r -t 5 _ <&3
exec sleep ${seconds}`,
];
