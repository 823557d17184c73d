import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { hostedFor, proxySetFor } from './fixtures.ts';
import { type Group, groupFrom } from './group.ts';
import { waits } from './hosting.ts';
import { HostingMemory, isHosting } from './hosting-memory.ts';
import { entryFrom, serveConfigFrom } from './objects/serve-config.ts';
import { configSecretFrom, stateSecretFrom } from './objects/secrets.ts';
import { ingressConfigFrom } from './objects/shared-config.ts';

const web = 'svc:web';
const uid = 'f4b8b2c0-0000-4000-8000-000000000001';
const mapping = { ipv4: { from: '100.100.0.7', to: '10.96.0.10' } };
const led = new Map([[web, mapping]]);
const inKernel = new Map([[web, { ports: new Map(), wanted: true, mapping }]]);
const passedOn = new Map([hostedFor(web)]);
const setWith = (mode: ProxySet['mode'], services: ProxySet['services']): ProxySet =>
  proxySetFor({ direction: 'ingress', name: 'db-ingress', replicas: 1, mode, services });

type Standing = {
  readonly set: ProxySet;
  readonly serves?: boolean;
  readonly leads?: boolean;
  readonly advertises?: boolean;
  /** What the pod writes into its Secret. */
  readonly state?: Readonly<Record<string, string>>;
};

const encoded = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));

const groupOf = ({ set, serves = false, leads = false, advertises = false, state = {} }: Standing): Group => {
  const [, service] = hostedFor(web);
  const served = new Map(serves ? [[web, new Map([...service.ports].map(([port, to]) => [port, entryFrom(to)]))]] : []);
  const written = { pod_uid: 'p-1', device_id: 'n1', device_fqdn: 'a.tail1.ts.net', ...state };
  const advertised = advertises ? { advertise: [web] } : {};
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'db-ingress-0', namespace: 'shop', uid: 'p-1' },
    status: { podIPs: [{ ip: '10.1.0.4' }, { ip: 'fd00::4' }] },
  };
  return groupFrom(
    { namespace: 'shop', name: 'db-ingress' },
    {
      objects: [ingressConfigFrom(set, uid, serveConfigFrom(served), leads ? led : new Map())],
      secrets: [{ ...stateSecretFrom(set, uid, 0), data: encoded(written) }, configSecretFrom(set, uid, { ordinal: 0, ...advertised })],
      pods: [pod],
    },
  );
};

const statusWith = (podIPs: object) => ({
  'ingress-config.json': JSON.stringify({
    configs: { [web]: { IPv4Mapping: { TailscaleServiceIP: mapping.ipv4.from, ClusterIP: mapping.ipv4.to } } },
    ...podIPs,
  }),
});
const profile = { '_current-profile': 'profile-1', 'profile-1': '{"AdvertiseServices":[]}' };

describe('HostingMemory', () => {
  const memory = (now = () => 0) => new HostingMemory({ hasAddresses: () => true, isTaken: () => true }, now);
  const decided = (standing: Standing) => memory().decide('shop/db-ingress', standing.set, groupOf(standing));

  it('believes what a pod says that it leads only where it says so of the addresses that it has', () => {
    const set = setWith('forward', inKernel);
    const offered = (podIPs: object) => decided({ set, leads: true, state: statusWith(podIPs) }).advertise.get(0);
    expect(offered({ podIPv4: '10.1.0.4', podIPv6: 'fd00::4' })).toEqual([web]);
    for (const podIPs of [{}, { podIPv4: '10.1.0.4' }, { podIPv4: '10.1.0.3', podIPv6: 'fd00::4' }]) expect(offered(podIPs)).toEqual([]);
  });

  it('takes a service out of the one form before it comes into the other, when its proxies change their mode', () => {
    for (const [set, standing] of [
      [setWith('forward', inKernel), { serves: true }],
      [setWith('connect', passedOn), { leads: true }],
    ] as const) {
      let now = 0;
      const deciding = memory(() => now);
      const decide = (more: Partial<Standing>) =>
        deciding.decide('shop/db-ingress', set, groupOf({ set, ...standing, state: profile, ...more }));
      const shown = ({ serve, lead, advertise }: ReturnType<typeof decide>) => [[...serve.keys()], [...lead.keys()], advertise.get(0)];
      const [served, ledThen] = 'serves' in standing ? [[web], []] : [[], [web]];
      expect(shown(decide({ advertises: true }))).toEqual([served, ledThen, []]);
      expect(shown(decide({}))).toEqual([served, ledThen, []]);
      now = waits.settleMs;
      expect(shown(decide({}))).toEqual([[], [], []]);
      const [next, nextLed] = set.mode === 'forward' ? [[], [web]] : [[web], []];
      expect(shown(decide({ serves: false, leads: false }))).toEqual([next, nextLed, []]);
    }
  });

  it('says that a service is hosted for as long as a file leads it', () => {
    const set = setWith('forward', new Map());
    expect(isHosting(groupOf({ set, leads: true }), 'corp', web)).toBe(true);
    expect(isHosting(groupOf({ set, advertises: true }), 'corp', web)).toBe(true);
    expect(isHosting(groupOf({ set }), 'corp', web)).toBe(false);
  });
});
