/** Kubernetes' own account of what happened to an object (`events.k8s.io/v1`): what `kubectl describe` ends with. */
import type { ApiRequest } from '../../src/kubernetes/api-server.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import { partsOf } from '../../src/lib/key.ts';

/** Something worth telling whoever looks at an object. */
export type Occurrence = {
  readonly regarding: { readonly key: ObjectKey; readonly apiVersion: string; readonly uid: string };
  /** `Warning`: something is not as the user wants it. */
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, a condition's reason where it is about one. */
  readonly reason: string;
  readonly note: string;
};

/** Who says it. `instance` is the replica. */
export type Reporter = { readonly controllerName: string; readonly instance: string };

/** The same for occurrences that are told as one Event with a count. */
export const seriesKey = ({ regarding, type, reason, note }: Occurrence): string =>
  JSON.stringify([regarding.key, regarding.uid, type, reason, note]);

/** Event names of an object that has no namespace live where Kubernetes' own do. */
const eventsPath = ({ regarding }: Occurrence): string =>
  `/apis/events.k8s.io/v1/namespaces/${partsOf(regarding.key).namespace || 'default'}/events`;

/** A new Event. `count` more than 1 when it happened again before it could be told. */
export const eventCreation = (occurrence: Occurrence, { controllerName, instance }: Reporter, at: Date, count: number): ApiRequest => {
  const { regarding, type, reason, note } = occurrence;
  const { kind, namespace, name } = partsOf(regarding.key);
  return {
    method: 'POST',
    path: eventsPath(occurrence),
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: `${name}-`, namespace: namespace || 'default' },
      eventTime: microTime(at),
      reportingController: controllerName,
      reportingInstance: instance.slice(0, 128),
      action: 'Reconcile',
      reason: reason.slice(0, 128),
      note: shortNote(note),
      type,
      regarding: { apiVersion: regarding.apiVersion, kind, ...(namespace === '' ? {} : { namespace }), name, uid: regarding.uid },
      ...(count > 1 ? seriesOf(count, at) : {}),
    },
  };
};

/** Says of an Event that it happened `count` times by now. */
export const eventRepetition = (occurrence: Occurrence, eventName: string, at: Date, count: number): ApiRequest => ({
  method: 'PATCH',
  path: `${eventsPath(occurrence)}/${eventName}`,
  contentType: 'application/merge-patch+json',
  body: seriesOf(count, at),
});

const seriesOf = (count: number, at: Date): object => ({ series: { count, lastObservedTime: microTime(at) } });

const microTime = (date: Date): string => `${date.toISOString().slice(0, -1)}000Z`;

/** Within the API's 1,024 bytes. Not within as many characters: it counts bytes. */
const shortNote = (note: string): string => {
  const bytes = new TextEncoder().encode(note);
  if (bytes.length <= 1024) return note;
  // A character cut in two decodes as U+FFFD, which goes.
  return `${new TextDecoder().decode(bytes.slice(0, 1020)).replace(/\uFFFD$/, '')}…`;
};
