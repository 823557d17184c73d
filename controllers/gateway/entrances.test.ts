import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Gateway, Socket } from '../../src/model/graph.ts';
import { proxySetFor } from '../proxies/fixtures.ts';
import { networkPolicyFrom as proxyPolicyFrom } from '../proxies/objects/network-policy.ts';
import { desiredFor } from './desired.ts';
import { type Entrances, entrancesBuilder } from './entrances.ts';
import { contextInPlainText, infrastructureFor } from './fixtures.ts';
import { entranceHostOf, entranceServiceNameOf } from './names.ts';
import { roundsBuilder } from './rounds.ts';

const entrances: Entrances = { ports: [20_001, 20_007], callers: [{ namespace: 'shop', name: 'edge-corp-ingress' }] };
const made = (given?: Entrances): readonly KubeObject[] => desiredFor(infrastructureFor(), contextInPlainText, given);
const namesOf = (objects: readonly KubeObject[], kind: string): readonly string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
type Rules = readonly { readonly from?: unknown; readonly ports: readonly { readonly port: number }[] }[];
const rulesOf = (objects: readonly KubeObject[]): Rules => {
  const { ingress = [] } = (objects.find(({ kind }) => kind === 'NetworkPolicy')?.['spec'] ?? {}) as { readonly ingress?: Rules };
  return ingress;
};

describe('entrances from tailnets', () => {
  it('have a Service of their own, inside the cluster, and are none of the ports that clients reach', () => {
    expect(namesOf(made(), 'Service')).toEqual(['edge-tailplane']);
    expect(namesOf(made(entrances), 'Service')).toEqual(['edge-tailplane', 'edge-tailplane-tailnet']);
    const [ordinary, inner] = made(entrances).filter(({ kind }) => kind === 'Service');
    expect(ordinary).toEqual(made().find(({ kind }) => kind === 'Service'));
    expect(inner?.['spec']).toMatchObject({
      type: 'ClusterIP',
      selector: { 'app.kubernetes.io/instance': 'edge-tailplane' },
      ports: [
        { port: 20_001, targetPort: 20_001, protocol: 'TCP' },
        { port: 20_007, targetPort: 20_007, protocol: 'TCP' },
      ],
    });
  });

  it('let in the pods of the ingress proxies, told by what those bear, and nobody else', () => {
    const [anybody, proxies, ...none] = rulesOf(made(entrances));
    expect([anybody?.from, anybody?.ports.map(({ port }) => port), none]).toEqual([undefined, [10_053, 10_080, 19_001], []]);
    const set = proxySetFor({ direction: 'ingress', name: 'edge-corp-ingress' });
    const { podSelector } = proxyPolicyFrom(set, 'u')['spec'] as { readonly podSelector: { readonly matchLabels: Record<string, string> } };
    expect(podSelector.matchLabels['gateway.tailscale.com/proxies']).toBe('edge-corp-ingress');
    expect(proxies).toEqual({
      from: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } },
          podSelector: { matchLabels: { 'gateway.tailscale.com/proxies': 'edge-corp-ingress', 'app.kubernetes.io/component': 'ingress' } },
        },
      ],
      ports: [
        { protocol: 'TCP', port: 20_001 },
        { protocol: 'TCP', port: 20_007 },
      ],
    });
  });

  it('let in nobody while there are no proxies', () => {
    expect(rulesOf(made({ ...entrances, callers: [] }))).toEqual(rulesOf(made()));
  });

  it('have a name that a Service may have, whatever the Gateway is called', () => {
    const long = infrastructureFor({}, { name: 'g'.repeat(60) });
    expect(entranceServiceNameOf(long).length).toBeLessThanOrEqual(63);
    expect(entranceServiceNameOf(long)).not.toBe(entranceServiceNameOf(infrastructureFor({}, { name: 'g'.repeat(61) })));
    expect(entranceHostOf(infrastructureFor())).toBe('edge-tailplane-tailnet.infra.svc');
  });

  it('are found in the sockets of Gateways and the proxies that serve them, and are the same object while they are the same', () => {
    const of = entrancesBuilder();
    const socket = (boundPort: number, tailnet: boolean): Socket => ({
      addresses: [],
      port: 443,
      boundPort,
      transport: 'TCP',
      ...(tailnet ? { tailnet: { tailnet: 'corp', service: 'svc:web' } } : {}),
      listeners: [],
    });
    const gateway = (...sockets: readonly Socket[]): Gateway => ({
      key: 'Gateway/infra/edge',
      namespace: 'infra',
      name: 'edge',
      sockets,
      backends: [],
      secrets: [],
    });
    const sets = [
      proxySetFor({ direction: 'ingress', name: 'edge-corp-ingress' }),
      proxySetFor({ direction: 'ingress', name: 'other', gateways: [{ namespace: 'infra', name: 'other' }] }),
      proxySetFor({ direction: 'ingress', name: 'going', going: true }),
      proxySetFor(),
    ];
    const graph = (node: Gateway) => ({
      gateways: new Map([['infra/edge', node]]),
      proxySets: new Map(sets.map((set) => [`shop/${set.name}`, set])),
    });
    const found = of(graph(gateway(socket(10_443, false), socket(20_007, true), socket(20_001, true))));
    expect(found).toEqual(new Map([['infra/edge', entrances]]));
    expect(of(graph(gateway(socket(20_001, true), socket(20_007, true))))).toBe(found);
    expect(of(graph(gateway(socket(10_443, false))))).toEqual(new Map());
  });

  it('change what is wanted of one Gateway only', () => {
    const roundOf = roundsBuilder();
    const infrastructures = new Map(
      ['edge', 'other'].map((name) => [`infra/${name}`, infrastructureFor({}, { name, uid: `uid-${name}` })]),
    );
    const world = { infrastructures, contextOf: () => contextInPlainText, observed: [] };
    const first = roundOf(world);
    const second = roundOf({ ...world, entrances: new Map([['infra/edge', entrances]]) });
    expect([second.get('infra/edge') === first.get('infra/edge'), second.get('infra/other') === first.get('infra/other')]).toEqual([
      false,
      true,
    ]);
  });
});
