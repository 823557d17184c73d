import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../src/lib/key.ts';
import { conditionsOf } from '../../src/model/conditions.ts';
import type { Status } from '../../src/model/status.ts';
import type { FleetStatus } from './fleet.ts';
import { fleetOverlay, type Told } from './overlay.ts';

const conditions = conditionsOf(7);
const edge: ObjectKey = 'Gateway/infra/edge';
const statusWith = (programmed: boolean): Status => ({
  kind: 'Gateway',
  conditions: [
    conditions.yes('Accepted', 'Accepted', ''),
    programmed ? conditions.yes('Programmed', 'Programmed', '') : conditions.no('Programmed', 'Invalid', 'none of the listeners'),
  ],
  addresses: [],
  listeners: [],
  attachedListenerSets: 0,
});
const route: Status = { kind: 'HTTPRoute', parents: [] };
const statusesWith = (programmed = true): ReadonlyMap<ObjectKey, Status> =>
  new Map<ObjectKey, Status>([
    [edge, statusWith(programmed)],
    ['HTTPRoute/infra/web', route],
  ]);

const addresses = [{ type: 'IPAddress', value: '192.0.2.1' }] as const;
const fleetWith = (more: Partial<FleetStatus> = {}): ReadonlyMap<string, FleetStatus> =>
  new Map([['infra/edge', { addresses, desired: 1, ready: 1, ...more }]]);
const told = (more: Partial<Record<keyof Told, boolean>>): Told => ({
  accepted: () => more.accepted ?? false,
  programmed: () => more.programmed ?? false,
});

const programmedOf = (statuses: ReadonlyMap<ObjectKey, Status>) => {
  const status = statuses.get(edge);
  return status?.kind === 'Gateway' ? status.conditions.find(({ type }) => type === 'Programmed') : undefined;
};

describe('fleetOverlay', () => {
  it('gives addresses of tailnets after those of the cluster', () => {
    const inTailnet = { type: 'Hostname', value: 'edge.tail1.ts.net' };
    const shared = { ...(statusWith(true) as Extract<Status, { readonly kind: 'Gateway' }>), addresses: [inTailnet] };
    const status = fleetOverlay()(new Map<ObjectKey, Status>([[edge, shared]]), fleetWith(), told({ accepted: true })).get(edge);
    expect(status?.kind === 'Gateway' ? status.addresses : []).toEqual([...addresses, inTailnet]);
  });

  it('gives none of the cluster where those of tailnets take their place', () => {
    const addressesOf = (tailnet: Extract<Status, { readonly kind: 'Gateway' }>['addresses']) => {
      const shared = {
        ...(statusWith(true) as Extract<Status, { readonly kind: 'Gateway' }>),
        addresses: tailnet,
        ledElsewhere: true,
      } as const;
      const status = fleetOverlay()(new Map<ObjectKey, Status>([[edge, shared]]), fleetWith(), told({ accepted: true })).get(edge);
      return status?.kind === 'Gateway' ? status.addresses : undefined;
    };
    const inTailnet = [{ type: 'IPAddress', value: '100.100.0.1' }];
    expect(addressesOf(inTailnet)).toEqual(inTailnet);
    expect(addressesOf([])).toEqual([]);
  });

  it('gives the addresses, and leaves everything else as the model has it', () => {
    const overlaid = fleetOverlay()(statusesWith(), fleetWith(), told({ accepted: true }));
    expect(overlaid.get(edge)).toEqual({ ...statusWith(true), addresses });
    expect(overlaid.get('HTTPRoute/infra/web')).toBe(route);
  });

  it('is not programmed before an Envoy has accepted its configuration', () => {
    expect(programmedOf(fleetOverlay()(statusesWith(), fleetWith(), told({})))).toMatchObject({
      status: 'False',
      reason: 'Pending',
      observedGeneration: 7,
    });
  });

  it('stays programmed when its Envoys are between two configurations, or this replica does not know them yet', () => {
    expect(programmedOf(fleetOverlay()(statusesWith(), fleetWith(), told({ programmed: true })))?.status).toBe('True');
  });

  it('is not programmed any more when something hinders clients, whatever was before', () => {
    const hindrance = { reason: 'NoResources', message: 'none of 1 Envoys is ready' };
    const overlaid = fleetOverlay()(statusesWith(), fleetWith({ hindrance }), told({ accepted: true, programmed: true }));
    expect(programmedOf(overlaid)).toMatchObject({ status: 'False', ...hindrance });
  });

  it('lets what the model has against it stand', () => {
    const hindrance = { reason: 'NoResources', message: 'none of 1 Envoys is ready' };
    expect(programmedOf(fleetOverlay()(statusesWith(false), fleetWith({ hindrance }), told({})))?.reason).toBe('Invalid');
  });

  it('gives the same status again for what comes to the same, and the same statuses when there is nothing to lay over', () => {
    const overlay = fleetOverlay();
    const statuses = statusesWith();
    const before = overlay(statuses, fleetWith(), told({ accepted: true }));
    expect(overlay(statuses, fleetWith(), told({ accepted: true })).get(edge)).toBe(before.get(edge));
    expect(overlay(statuses, new Map(), told({}))).toBe(statuses);
    expect(overlay(statuses, fleetWith({ addresses: [] }), told({ accepted: true }))).toBe(statuses);
  });
});
