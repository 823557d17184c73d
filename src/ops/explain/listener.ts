import type { Listener, Socket } from '../../model/graph.ts';
import type { Step } from './explanation.ts';

/** The listener as the first step of a path. */
export const listenerStep = (listener: Listener, { port, boundPort }: Socket): Step => {
  const bound = boundPort === port ? `port ${port}` : `port ${port}, bound as ${boundPort}`;
  const tls = listener.protocol === 'TLS' ? (listener.tls === undefined ? ', passed through' : ', terminated') : '';
  const host = listener.hostname === undefined ? '' : `, host ${listener.hostname}`;
  return { at: 'listener', name: listener.name, detail: `${listener.protocol}${tls} on ${bound}${host}`, object: listener.owner };
};
