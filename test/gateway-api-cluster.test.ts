import { describe, expect, it } from 'vitest';
import { infrastructureOf } from '../src/model/gateways/infrastructure.ts';
import { overlaid } from '../src/model/gateways/parameters.ts';
import type { Graph } from '../src/model/graph.ts';
import { acceptance, gateway, graphFrom, httpRoute, messageOf, objectsIn, shown, statusOf } from './support/gateway-api.ts';

const http = 'listeners: [{ name: http, port: 80, protocol: HTTP }]';
const onCluster = { onCluster: true, exclusivePorts: false, privilegedPorts: false };
const graphOnCluster = (yaml: string): Graph => graphFrom(yaml, onCluster);

const parameters = (name: string, spec: string): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: GatewayParameters
metadata: { name: ${name}, namespace: default }
spec: { ${spec} }
---
`;
const ours = 'parametersRef: { group: gateway.tailscale.com, kind: GatewayParameters, name: big }';
const classWith = (ref: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: gateway.tailscale.com/tailplane, ${ref} }
---
`;

describe('a Gateway on a cluster', () => {
  it('binds every address and has none in its status, as the cluster gives them', () => {
    const graph = graphOnCluster(gateway('one', `addresses: [{ type: IPAddress, value: 192.0.2.1 }], ${http}`));
    expect(graph.gateways.get('default/one')?.sockets[0]?.addresses).toEqual([]);
    expect(statusOf(graph, 'Gateway', 'one').addresses).toEqual([]);
    expect(graph.infrastructures.get('default/one')?.addresses).toEqual(['192.0.2.1']);
  });

  it('tells its proxies which ports clients reach and which Envoy binds', () => {
    expect(graphOnCluster(gateway('one', http)).infrastructures.get('default/one')?.ports).toEqual([
      { port: 80, boundPort: 10080, transport: 'TCP' },
    ]);
  });

  it('leaves Envoys the ports they need for themselves', () => {
    const graph = graphFrom(gateway('one', http.replace('port: 80', 'port: 19000')), { ...onCluster, reservedPorts: [19000] });
    expect(graph.infrastructures.get('default/one')?.ports).toEqual([{ port: 19000, boundPort: 29000, transport: 'TCP' }]);
  });

  it('wants nothing more while it is being deleted', () => {
    const [standing] = objectsIn(gateway('one', http));
    if (standing?.kind !== 'Gateway') throw new Error('unreachable: a Gateway was written');
    const going = { ...standing, metadata: { ...standing.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect([standing, going].map((one) => infrastructureOf(one, [], {}, []).going)).toEqual([false, true]);
  });

  it('hands on the labels and annotations of its infrastructure', () => {
    const graph = graphOnCluster(gateway('one', `infrastructure: { labels: { team: a }, annotations: { note: b } }, ${http}`));
    expect(graph.infrastructures.get('default/one')).toMatchObject({
      className: 'tailplane',
      labels: { team: 'a' },
      annotations: { note: 'b' },
    });
  });

  it('is not answered for when its class does not exist', () => {
    const graph = graphOnCluster(gateway('one', http).replace('gatewayClassName: tailplane', 'gatewayClassName: nobodys'));
    expect(graph.statuses.has('Gateway/default/one')).toBe(false);
  });

  it('may share a port with another, for each has Envoys of its own', () => {
    const graph = graphOnCluster(`${gateway('one', http)}${gateway('two', http)}`);
    expect(['one', 'two'].map((name) => shown(statusOf(graph, 'Gateway', name).conditions, 'Programmed'))).toEqual([
      'True Programmed',
      'True Programmed',
    ]);
  });

  it('may be the only thing its class claims more of than on a machine', () => {
    const features = (options: object) => {
      const status = graphFrom(gateway('one', http), options).statuses.get('GatewayClass//tailplane');
      return status?.kind === 'GatewayClass' ? status.supportedFeatures : [];
    };
    const more = features(onCluster).filter((feature) => !features({}).includes(feature));
    expect(more).toEqual(['GatewayInfrastructure']);
    expect(features(onCluster)).toEqual(features(onCluster).toSorted());
  });
});

describe('a route on a cluster', () => {
  it('whose parent does not exist is somebody else’s to answer for', () => {
    expect(graphOnCluster(httpRoute('lost', '{ name: nowhere }')).statuses.has('HTTPRoute/default/lost')).toBe(false);
    expect(acceptance(graphFrom(httpRoute('lost', '{ name: nowhere }')), 'HTTPRoute', 'lost')).toEqual(['False NoMatchingParent']);
  });
});

describe('parameters of a Gateway', () => {
  it('come from GatewayParameters in its namespace', () => {
    const graph = graphOnCluster(`${parameters('big', 'replicas: 3')}${gateway('one', `infrastructure: { ${ours} }, ${http}`)}`);
    expect(graph.infrastructures.get('default/one')?.parameters.replicas).toBe(3);
  });

  it.each([
    ['do not exist', ours, 'spec.infrastructure.parametersRef: GatewayParameters "default/big" not found'],
    [
      'are of another kind',
      'parametersRef: { group: "", kind: ConfigMap, name: big }',
      'spec.infrastructure.parametersRef: kind ConfigMap of group ""',
    ],
  ])('refuse it when they %s', (_, ref, message) => {
    const graph = graphOnCluster(gateway('one', `infrastructure: { ${ref} }, ${http}`));
    const { conditions } = statusOf(graph, 'Gateway', 'one');
    expect(shown(conditions, 'Accepted')).toBe('False InvalidParameters');
    expect(messageOf(conditions, 'Accepted')).toContain(message);
    expect(graph.gateways.has('default/one')).toBe(false);
  });

  it('of its class count where it says nothing itself', () => {
    const yaml = [
      classWith('parametersRef: { group: gateway.tailscale.com, kind: GatewayParameters, name: base, namespace: default }'),
      parameters('base', 'replicas: 2, service: { type: LoadBalancer, externalTrafficPolicy: Local }'),
      parameters('big', 'replicas: 5, service: { type: NodePort }'),
      gateway('one', http),
      gateway('two', `infrastructure: { ${ours} }, ${http}`),
    ].join('');
    const graph = graphOnCluster(yaml);
    expect(graph.infrastructures.get('default/one')?.parameters).toMatchObject({ replicas: 2, service: { type: 'LoadBalancer' } });
    expect(graph.infrastructures.get('default/two')?.parameters).toMatchObject({
      replicas: 5,
      service: { type: 'NodePort', externalTrafficPolicy: 'Local' },
    });
  });

  it('of its class that do not exist refuse the class, and its Gateways wait', () => {
    const lost = classWith('parametersRef: { group: gateway.tailscale.com, kind: GatewayParameters, name: lost, namespace: default }');
    const graph = graphOnCluster(`${lost}${gateway('one', http)}`);
    expect(shown(statusOf(graph, 'GatewayClass', '/tailplane').conditions, 'Accepted')).toBe('False InvalidParameters');
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('Unknown Pending');
  });

  it('never ask for a number of replicas and for an automatic one', () => {
    expect(overlaid({ replicas: 2 }, { autoscaling: { maxReplicas: 4 } })).toEqual({ autoscaling: { maxReplicas: 4 } });
    expect(overlaid({ autoscaling: { maxReplicas: 4 } }, { replicas: 2 })).toEqual({ replicas: 2 });
    expect(overlaid({ replicas: 2, envoy: { logLevel: 'debug' } }, { envoy: { concurrency: 1 } })).toEqual({
      replicas: 2,
      envoy: { logLevel: 'debug', concurrency: 1 },
    });
  });
});
