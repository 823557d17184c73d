import { describe, expect, it } from 'vitest';
import type { LoadBalancing, TailscaleServicesSpec } from '../../api/generated/tailscale.ts';
import type { AnyObject } from '../../api/kinds.ts';
import { noObservations, type Observations } from '../../api/observations.ts';
import { grantOf, portOf, serviceOf, sliceOf } from '../routes/fixtures.ts';
import {
  backendEntry,
  backendFor,
  deviceOf,
  endpointOf,
  endpointsOf,
  groupOf,
  namespaceOf,
  observationsOf,
  offline,
  proxiesOf,
  proxyOf,
  resolve,
  servicesOf,
  stateOf,
  tablesFor,
  tailnetOf,
  vipServiceOf,
} from './fixtures.ts';
import { tailnetLocalitiesOf } from './localities.ts';

const [one, two] = [deviceOf('one', '100.64.0.1'), deviceOf('two', '100.64.0.2')];
const labels = { app: 'web' };

const machineAt = (name: string, address: string, weight = 1) =>
  endpointsOf(name, { endpoints: [endpointOf('it', { tailscaleIP: address, weight })] }, { labels });

const [a, b] = [machineAt('a', '100.64.0.1'), machineAt('b', '100.64.0.2')];

const world = (spec: Partial<TailscaleServicesSpec>, objects: readonly AnyObject[], observations: Observations, port?: number) => {
  const services = servicesOf('web', spec);
  const tables = tablesFor([tailnetOf(), services, ...objects], observations);
  const backend = backendFor(services, 'tcp', tables, port);
  const { localities } = tailnetLocalitiesOf(backend, tables);
  const places = localities?.map(({ endpoints }) =>
    endpoints.map(({ address, port: at, via, healthy, weight = 1 }) =>
      [
        address,
        at,
        ...(via === undefined ? [] : ['via']),
        ...(healthy ? [] : ['unhealthy']),
        ...(weight === 1 ? [] : [`weight ${weight}`]),
      ].join(' '),
    ),
  );
  return { backend, localities, places };
};

const both = observationsOf([stateOf([one, two])]);
const oneGone = observationsOf([stateOf([offline(one), two])]);
const allGone = observationsOf([stateOf([offline(one), offline(two)])]);
const strategyOf = (strategy: LoadBalancing['strategy']): Partial<TailscaleServicesSpec> => ({ loadBalancing: { strategy } });

describe('a TailscaleServices', () => {
  it('consists of the machines that its selector takes, in its namespace', () => {
    const elsewhere = { ...b, metadata: { ...b.metadata, namespace: 'other' } };
    const unlabelled = endpointsOf('c', { endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.3' })] });
    expect(world({}, [a, elsewhere, unlabelled], both).places).toEqual([['100.64.0.1 80']]);
  });

  it('uses machines that are not well when nothing else is left', () => {
    expect(world({}, [a, b], oneGone).places).toEqual([['100.64.0.2 80'], [], ['100.64.0.1 80']]);
    expect(world({}, [a, b], allGone).places).toEqual([[], [], ['100.64.0.1 80', '100.64.0.2 80']]);
  });

  it('is reached by other clusters at its own address before that', () => {
    const observations = observationsOf([stateOf([offline(one), two], [vipServiceOf('svc:web', '100.100.0.1')])]);
    const spec = { vipService: { ports: ['tcp:80'], autoApprove: false } };
    expect(world(spec, [a], observations).places).toEqual([[], ['100.100.0.1 80'], ['100.64.0.1 80']]);
    expect(world(spec, [a], oneGone).places).toEqual([[], [], ['100.64.0.1 80']]);
  });

  it('is told later while machines of its tailnet cannot be discovered', () => {
    const found = endpointsOf('c', { autoDiscovery: { port: 80, protocol: 'TCP' } }, { labels });
    expect(world({}, [a, found], noObservations).localities).toBeUndefined();
    expect(world({}, [a], noObservations).places).toEqual([['100.64.0.1 80']]);
  });

  it('has machines that its own discovery finds', () => {
    const spec = { serviceDiscovery: { enabled: true, patterns: ['tw*'] } };
    expect(world(spec, [a], both).places).toEqual([['100.64.0.1 80', '100.64.0.2 80']]);
  });
});

describe('strategy', () => {
  const objects = [machineAt('a', '100.64.0.1', 3), b];

  it('round-robin gives everything its turn, whatever it weighs', () => {
    const { backend, places } = world(strategyOf('round-robin'), objects, both);
    expect(backend.reach?.balancing).toBe('round-robin');
    expect(places).toEqual([['100.64.0.1 80', '100.64.0.2 80']]);
  });

  it('least-connections asks who has the least to do', () => {
    expect(world(strategyOf('least-connections'), objects, both).backend.reach?.balancing).toBe('least-requests');
  });

  it('weighted gives by weights, those of backends too', () => {
    const backends = [backendEntry({ external: { address: '192.0.2.1', port: 80 }, weight: 6 })];
    expect(world({ ...strategyOf('weighted'), backends }, objects, both).places).toEqual([
      ['100.64.0.1 80 weight 3', '100.64.0.2 80', '192.0.2.1 80 weight 6'],
    ]);
  });

  it('failover uses TailscaleEndpoints by name, one after the other', () => {
    expect(world(strategyOf('failover'), [b, a], both).places).toEqual([['100.64.0.1 80'], ['100.64.0.2 80']]);
    expect(world(strategyOf('failover'), [b, a], oneGone).places).toEqual([[], ['100.64.0.2 80'], ['100.64.0.1 80']]);
  });
});

describe('backends', () => {
  const app = serviceOf('app', [portOf(80)]);
  const slice = sliceOf('app', { endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }] });
  const kubernetes = { name: 'app', port: 80 };

  it('may be Services, each of whose pods gets its turn', () => {
    expect(world({ backends: [backendEntry({ kubernetes })] }, [a, app, slice], both).places).toEqual([
      ['10.0.0.1 8080', '10.0.0.2 8080', '100.64.0.1 80'],
    ]);
  });

  it('share their weight among the pods of a Service', () => {
    const spec = { ...strategyOf('weighted'), backends: [backendEntry({ kubernetes, weight: 1 })] };
    expect(world(spec, [a, app, slice], both).places).toEqual([['10.0.0.1 8080', '10.0.0.2 8080', '100.64.0.1 80 weight 2']]);
  });

  it('of another namespace need a grant', () => {
    const there = serviceOf('app', [portOf(80)], 'other');
    const spec = { backends: [backendEntry({ kubernetes: { ...kubernetes, namespace: 'other' } })] };
    const services = servicesOf('web', spec);
    const refused = resolve(services, 'http', tablesFor([tailnetOf(), services, there], both));
    expect(refused).toMatchObject({ ok: false, problem: { reason: 'RefNotPermitted' } });
    const grant = grantOf('TailscaleServices', 'other');
    const ours = {
      ...grant,
      spec: { ...grant.spec, from: [{ group: 'gateway.tailscale.com', kind: 'TailscaleServices', namespace: 'default' }] },
    };
    expect(resolve(services, 'http', tablesFor([tailnetOf(), services, there, ours], both)).ok).toBe(true);
  });

  it('that cannot be used cost themselves only, and are remarked on', () => {
    const services = servicesOf('web', { backends: [backendEntry({ kubernetes: { name: 'gone', port: 80 } })] });
    const found = resolve(services, 'http', tablesFor([tailnetOf(), services, a], both));
    expect(found).toMatchObject({
      ok: true,
      value: { remarks: ['spec.backends[0] of TailscaleServices "default/web": Service "default/gone" not found'] },
    });
  });

  it('are used by the priorities they say', () => {
    const backends = [backendEntry({ kubernetes, priority: 3 })];
    expect(world({ backends }, [a, b, app, slice], oneGone).places).toEqual([
      ['100.64.0.2 80'],
      [],
      [],
      ['10.0.0.1 8080', '10.0.0.2 8080'],
      ['100.64.0.1 80'],
    ]);
  });

  it('outside of tailnets may have names, which Envoy resolves', () => {
    const { backend, places } = world({ backends: [backendEntry({ external: { address: 'API.example.com', port: 443 } })] }, [a], both, 80);
    expect(backend.reach?.form).toBe('tunnelled');
    expect(places).toEqual([['100.64.0.1 80', 'api.example.com 443 via']]);
  });

  it('in tailnets go the way of the selected endpoints, else of a group of the namespace', () => {
    const tailscale = { address: 'svc:db', port: 80 };
    const observations = observationsOf([stateOf([one], [vipServiceOf('svc:db', '100.100.0.9')])]);
    const proxied = endpointsOf('p', { proxy: proxyOf(), endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.1' })] }, { labels });
    expect(world({ backends: [backendEntry({ tailscale })] }, [proxied, proxiesOf('p-egress', ['10.0.0.1'])], observations).places).toEqual(
      [['100.100.0.9 80 via', '100.64.0.1 80 via']],
    );
    const alone = { backends: [backendEntry({ tailscale: { ...tailscale, tailnet: 'prod' } })] };
    const { backend, places } = world(alone, [groupOf('g'), proxiesOf('g', ['10.0.0.1', '10.0.0.2'])], observations);
    expect(backend.reach?.form).toBe('tunnelled');
    expect(places).toEqual([['100.100.0.9 80 via', '100.100.0.9 80 via']]);
  });

  it('in a tailnet that does not admit the namespace are refused', () => {
    const selector = { matchLabels: { tier: 'gold' } };
    const services = servicesOf('web', { backends: [backendEntry({ tailscale: { tailnet: 'prod', address: '100.64.0.1', port: 80 } })] });
    const objects = [tailnetOf('prod', { allowedNamespaces: selector }), services];
    expect(resolve(services, 'http', tablesFor(objects, both))).toMatchObject({ ok: false, problem: { reason: 'RefNotPermitted' } });
    expect(resolve(services, 'http', tablesFor([...objects, namespaceOf('default', { tier: 'gold' })], both)).ok).toBe(true);
  });

  it('belong to the port of the service that they have, else to all', () => {
    const twoPorts = endpointsOf(
      'two',
      { endpoints: [endpointOf('web', { tailscaleIP: '100.64.0.1' }), endpointOf('db', { tailscaleIP: '100.64.0.1', port: 5432 })] },
      { labels },
    );
    const at = (port: number) => backendEntry({ external: { address: '192.0.2.1', port } });
    expect(world({ backends: [at(80), at(9000)] }, [twoPorts], both, 5432).places).toEqual([['100.64.0.1 5432', '192.0.2.1 9000']]);
  });
});

describe('of two tailnets', () => {
  it('one address is two machines, and each is reached by its own proxies', () => {
    const inTailnet = (tailnet: string) =>
      endpointsOf(tailnet, { tailnet, proxy: proxyOf(), endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.1' })] }, { labels });
    const observations = observationsOf([stateOf([one]), stateOf([offline(one)], [], { name: 'lab', suffix: 'tail2.ts.net' })]);
    const objects = [
      tailnetOf('lab'),
      inTailnet('prod'),
      inTailnet('lab'),
      proxiesOf('prod-egress', ['10.0.0.1']),
      proxiesOf('lab-egress', ['10.0.0.2']),
    ];
    const { backend, localities } = world({}, objects, observations);
    expect(backend.reach?.form).toBe('tunnelled');
    const proxies = localities?.map(({ endpoints }) => endpoints.map(({ via }) => (via?.kind === 'proxy' ? via.proxy.host : '')));
    expect(proxies).toEqual([['10.0.0.1'], [], ['10.0.0.2']]);
  });
});
