import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { desiredFor } from './desired.ts';
import { contextWithTls, infrastructureFor } from './fixtures.ts';
import { type FleetFacts, fleetsOf, type FleetStatus } from './fleet.ts';

type Stands = {
  readonly infrastructure?: Infrastructure;
  readonly ingress?: readonly object[];
  readonly clusterIPs?: readonly string[];
  readonly deployment?: object;
  readonly facts?: Partial<FleetFacts>;
};

const oneReady = { readyReplicas: 1 };

/** The fleet of a Gateway whose objects stand as they are desired, with the given status. */
const fleetWith = ({
  infrastructure = infrastructureFor(),
  ingress,
  clusterIPs,
  deployment = oneReady,
  facts,
}: Stands): FleetStatus | undefined => {
  const observed = desiredFor(infrastructure, contextWithTls).map((object): KubeObject => {
    if (object.kind === 'Deployment') return { ...object, status: deployment };
    if (object.kind !== 'Service') return object;
    return { ...object, spec: { ...(object['spec'] as object), clusterIPs }, status: { loadBalancer: { ingress } } };
  });
  const all: FleetFacts = { observed, nodeAddresses: [], refusals: new Map(), ...facts };
  return fleetsOf(new Map([['infra/edge', infrastructure]]), all).get('infra/edge');
};

const typed = (type: 'ClusterIP' | 'NodePort', addresses: readonly string[] = []): Infrastructure =>
  infrastructureFor({ service: { type } }, { addresses });

describe('fleetsOf', () => {
  it("gives a load balancer's addresses and host names", () => {
    expect(
      fleetWith({ ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example' }, { ip: '2001:db8::1', hostname: 'both.example' }] }),
    ).toEqual({
      addresses: [
        { type: 'IPAddress', value: '192.0.2.1' },
        { type: 'Hostname', value: 'lb.example' },
        { type: 'IPAddress', value: '2001:db8::1' },
        { type: 'Hostname', value: 'both.example' },
      ],
      desired: 1,
      ready: 1,
    });
  });

  it('gives cluster IPs, both families', () => {
    const fleet = fleetWith({ infrastructure: typed('ClusterIP'), clusterIPs: ['10.96.0.9', 'fd00::9'] });
    expect(fleet?.addresses.map(({ value }) => value)).toEqual(['10.96.0.9', 'fd00::9']);
  });

  it("gives nodes' addresses, or those of them that the Gateway asks for, and no more than its status can hold", () => {
    const nodeAddresses = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`);
    const valuesOf = (infrastructure: Infrastructure) =>
      fleetWith({ infrastructure, facts: { nodeAddresses } })?.addresses.map(({ value }) => value);
    expect(valuesOf(typed('NodePort'))).toHaveLength(16);
    expect(valuesOf(typed('NodePort', ['192.0.2.19']))).toEqual(['192.0.2.19']);
  });

  it('is AddressNotAssigned as long as the Service has none', () => {
    expect(fleetWith({})?.hindrance?.reason).toBe('AddressNotAssigned');
  });

  it.each([
    ['has none', [], '192.0.2.1 cannot be had: Service edge-tailplane of type LoadBalancer has no address'],
    ['has another', [{ ip: '192.0.2.9' }], '192.0.2.1 cannot be had: Service edge-tailplane of type LoadBalancer has 192.0.2.9'],
  ])('is AddressNotUsable when the Service %s than the one asked for', (_, ingress, message) => {
    const infrastructure = infrastructureFor({}, { addresses: ['192.0.2.1'] });
    expect(fleetWith({ infrastructure, ingress })?.hindrance).toEqual({
      reason: 'AddressNotUsable',
      message: expect.stringContaining(message),
    });
  });

  it('says that a Service can be asked for one address only', () => {
    const infrastructure = infrastructureFor({}, { addresses: ['192.0.2.1', '192.0.2.2'] });
    expect(fleetWith({ infrastructure, ingress: [{ ip: '192.0.2.1' }] })?.hindrance?.message).toContain('one address only');
  });

  it('knows an IPv6 address however it is spelled', () => {
    const infrastructure = infrastructureFor({}, { addresses: ['2001:DB8:0:0::1'] });
    expect(fleetWith({ infrastructure, ingress: [{ ip: '2001:db8::1' }] })?.hindrance).toBeUndefined();
  });

  const progressing = (status: string, reason: string, message = '') => ({
    conditions: [{ type: 'Progressing', status, reason, message }],
  });

  it.each([
    ['Pending', 'the first Envoy starts', progressing('True', 'ReplicaSetUpdated')],
    ['NoResources', 'all that ran are gone', progressing('True', 'NewReplicaSetAvailable')],
    ['NoResources', 'it takes too long', progressing('False', 'ProgressDeadlineExceeded')],
    ['NoResources', 'pods are refused', { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }] }],
  ])('is %s while no Envoy is ready because %s', (reason, _, deployment) => {
    expect(fleetWith({ ingress: [{ ip: '192.0.2.1' }], deployment })?.hindrance?.reason).toBe(reason);
  });

  it('has no hindrance while Envoys are replaced, as long as one is ready', () => {
    const deployment = { replicas: 2, readyReplicas: 1, updatedReplicas: 1, ...progressing('True', 'ReplicaSetUpdated') };
    expect(fleetWith({ ingress: [{ ip: '192.0.2.1' }], deployment })?.hindrance).toBeUndefined();
  });

  it('has a refusal come first, unless that may pass and Envoys run', () => {
    const refused = (reason: string) =>
      fleetWith({ ingress: [{ ip: '192.0.2.1' }], facts: { refusals: new Map([['infra/edge', { reason, message: 'why' }]]) } })?.hindrance;
    expect(refused('Invalid')).toEqual({ reason: 'Invalid', message: 'why' });
    expect(refused('Pending')).toBeUndefined();
  });

  it('takes nothing for its own that another Gateway owns', () => {
    const other = desiredFor(infrastructureFor({}, { uid: 'another' }), contextWithTls).map((object) => ({
      ...object,
      status: { readyReplicas: 1, loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
    }));
    expect(fleetWith({ facts: { observed: other } })).toMatchObject({ addresses: [], ready: 0, hindrance: { reason: 'Pending' } });
  });

  it('keeps what means the same', () => {
    const infrastructures = new Map([['infra/edge', infrastructureFor()]]);
    const facts: FleetFacts = { observed: [], nodeAddresses: [], refusals: new Map() };
    const before = fleetsOf(infrastructures, facts);
    expect(fleetsOf(infrastructures, facts, before).get('infra/edge')).toBe(before.get('infra/edge'));
  });
});
