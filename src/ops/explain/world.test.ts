import { expect, it } from 'vitest';
import { graphOf } from '../../../test/support/graph.ts';
import type { Gateway } from '../../api/generated/gateway-api.ts';
import type { TailscaleGateway } from '../../api/generated/tailscale.ts';
import { endpointsOf, objectsOf, observationsOf, servicesOf, stateOf, tailnetOf, vipServiceOf } from '../../model/tailnets/fixtures.ts';
import { worldOf } from './world.ts';

const metadata = { name: 'edge', namespace: 'default', generation: 1 };
const health = { name: 'files', synced: true, lastRead: 0 };

it('looks into what exists in the model alone: endpoints made for a TailscaleGateway, and those of a template', () => {
  const edge: Gateway = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata,
    spec: { gatewayClassName: 'tailplane', listeners: [] },
  };
  const egress = { enabled: true, hostPattern: '{service}.example', pathPrefix: '/', protocol: 'HTTP' } as const;
  const shared: TailscaleGateway = {
    apiVersion: 'gateway.tailscale.com/v1alpha1',
    kind: 'TailscaleGateway',
    metadata,
    spec: {
      gatewayRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
      tailnets: [
        {
          name: 'corp',
          tailscaleTailnetRef: { group: 'gateway.tailscale.com', kind: 'TailscaleTailnet', name: 'prod' },
          routeGeneration: { egress },
        },
      ],
    },
  };
  const observations = observationsOf([stateOf([], [vipServiceOf('svc:wiki', '100.100.0.1')])]);
  const wanted = endpointsOf('made');
  const { read } = worldOf({
    graph: { ...graphOf([]), provisioned: { wanted: new Map([['default/made', wanted]]), unwanted: [] } },
    state: { objects: objectsOf(tailnetOf(), edge, shared, servicesOf('made')), observations, problems: [], health },
  });
  expect(read('TailscaleEndpoints', 'default/made')).toBe(wanted);
  expect(read('TailscaleEndpoints', 'default/edge~corp~wiki')?.spec.endpoints?.[0]?.tailscaleFQDN).toBe('wiki.tail1.ts.net');
});
