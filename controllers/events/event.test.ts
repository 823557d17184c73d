import { expect, it } from 'vitest';
import { eventCreation, eventRepetition, type Occurrence, seriesKey } from './event.ts';

const occurrence: Occurrence = {
  regarding: { key: 'HTTPRoute/default/shop', apiVersion: 'gateway.networking.k8s.io/v1', uid: 'uid' },
  type: 'Warning',
  reason: 'BackendNotFound',
  note: 'ResolvedRefs: no Service "default/web"',
};
const reporter = { controllerName: 'gateway.tailscale.com/tailplane', instance: 'tailplane-0' };
const at = new Date('2026-05-05T12:00:00.125Z');

it('an Event says who saw what on which object', () => {
  expect(eventCreation(occurrence, reporter, at, 1)).toEqual({
    method: 'POST',
    path: '/apis/events.k8s.io/v1/namespaces/default/events',
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: 'shop-', namespace: 'default' },
      eventTime: '2026-05-05T12:00:00.125000Z',
      reportingController: 'gateway.tailscale.com/tailplane',
      reportingInstance: 'tailplane-0',
      action: 'Reconcile',
      reason: 'BackendNotFound',
      note: 'ResolvedRefs: no Service "default/web"',
      type: 'Warning',
      regarding: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace: 'default', name: 'shop', uid: 'uid' },
    },
  });
});

it('Events of objects without a namespace are kept in the default one', () => {
  const { path, body } = eventCreation(
    { ...occurrence, regarding: { ...occurrence.regarding, key: 'GatewayClass//tailplane' } },
    reporter,
    at,
    1,
  );
  expect(path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
  expect(body).toMatchObject({ metadata: { namespace: 'default' }, regarding: expect.not.objectContaining({ namespace: '' }) });
});

it('a repetition says how often by now', () => {
  expect(eventRepetition(occurrence, 'shop-abcde', at, 3)).toEqual({
    method: 'PATCH',
    path: '/apis/events.k8s.io/v1/namespaces/default/events/shop-abcde',
    contentType: 'application/merge-patch+json',
    body: { series: { count: 3, lastObservedTime: '2026-05-05T12:00:00.125000Z' } },
  });
});

it('a note is cut to 1,024 bytes between characters', () => {
  for (const note of ['é'.repeat(600), `a${'é'.repeat(600)}`, '😀'.repeat(300)]) {
    const { body } = eventCreation({ ...occurrence, note }, reporter, at, 1);
    const cut = (body as { note: string }).note;
    expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(1024);
    expect(note.startsWith(cut.slice(0, -1))).toBe(true);
  }
});

it('one series is one object, reason and note', () => {
  expect(seriesKey(occurrence)).toBe(seriesKey({ ...occurrence }));
  expect(seriesKey(occurrence)).not.toBe(seriesKey({ ...occurrence, note: 'other' }));
  expect(seriesKey(occurrence)).not.toBe(seriesKey({ ...occurrence, regarding: { ...occurrence.regarding, uid: 'later' } }));
});
