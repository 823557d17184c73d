import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostedService } from '../../src/model/proxy-set.ts';
import { type Since, waits } from './hosting.ts';
import { type KernelFacts, type KernelHosting, kernelHostingFrom, type KernelProxy } from './kernel-hosting.ts';
import { type Mappings, sameMapping } from './objects/ingress-config.ts';

const dns = 'svc:dns';
const mapping = { ipv4: { from: '100.100.0.7', to: '10.96.0.10' }, ipv6: { from: 'fd7a:115c:a1e0::7', to: 'fd00::10' } };
const elsewhere = { ipv4: { from: '100.100.0.7', to: '10.96.0.99' } };
const leadingDns: Mappings = new Map([[dns, mapping]]);
const nothing: Mappings = new Map();
const hosted = (more: Partial<HostedService> = {}): HostedService => ({ ports: new Map(), wanted: true, mapping, ...more });
const setOf = (...services: readonly (readonly [string, HostedService])[]) => ({ services: new Map(services), replicas: 1 });

const proxy = (more: Partial<KernelProxy> = {}): KernelProxy => ({
  ordinal: 0,
  pod: 'running',
  joined: true,
  configured: [],
  advertising: [],
  leading: nothing,
  ...more,
});

const factsWith = (more: Partial<KernelFacts> = {}): KernelFacts => ({
  set: setOf([dns, hosted()]),
  led: nothing,
  proxies: [proxy()],
  ...more,
});
const first = (facts: KernelFacts, since: Since = new Map(), now = 0): KernelHosting => kernelHostingFrom(facts, since, now);
const advertisedIn = ({ advertise }: KernelHosting): readonly string[] => advertise.get(0) ?? [];

describe('kernelHostingFrom', () => {
  it('leads nothing before the service has addresses, and advertises nothing with telling where it leads', () => {
    expect(first(factsWith({ set: setOf([dns, hosted({ mapping: {} })]) })).lead).toEqual(nothing);
    const now = first(factsWith());
    expect([now.lead, advertisedIn(now)]).toEqual([leadingDns, []]);
  });

  it('has a proxy advertise what it says it leads, exactly as it is told, once it is in its tailnet', () => {
    const advertised = (more: Partial<KernelProxy>, led = leadingDns) => advertisedIn(first(factsWith({ led, proxies: [proxy(more)] })));
    expect(advertised({ leading: leadingDns })).toEqual([dns]);
    expect(advertised({})).toEqual([]);
    expect(advertised({ leading: new Map([[dns, elsewhere]]) })).toEqual([]);
    expect(advertised({ leading: leadingDns, joined: false })).toEqual([]);
    expect(advertised({ leading: leadingDns, pod: 'going' })).toEqual([]);
    expect(advertised({ leading: leadingDns }, new Map([[dns, elsewhere]]))).toEqual([]);
  });

  it('goes on where it leads to another address, and not where it leads nowhere', () => {
    const advertised = (leading: Mappings) =>
      advertisedIn(first(factsWith({ led: new Map([[dns, elsewhere]]), proxies: [proxy({ configured: [dns], leading })] })));
    expect(advertised(new Map([[dns, elsewhere]]))).toEqual([dns]);
    expect(advertised(nothing)).toEqual([]);
  });

  it('leads on while nobody says what the addresses of a service are', () => {
    const now = first(
      factsWith({
        set: setOf([dns, hosted({ mapping: {} })]),
        led: leadingDns,
        proxies: [proxy({ configured: [dns], leading: leadingDns })],
      }),
    );
    expect([now.lead, advertisedIn(now)]).toEqual([leadingDns, [dns]]);
  });

  it('takes a service first out of what is advertised, then, when it has been out for a while, out of what is led', () => {
    for (const set of [setOf(), setOf([dns, hosted({ wanted: false })])]) {
      const leading = factsWith({ set, led: leadingDns, proxies: [proxy({ configured: [dns], advertising: [dns], leading: leadingDns })] });
      const one = first(leading);
      expect([one.lead, advertisedIn(one), one.until]).toEqual([leadingDns, [], Number.POSITIVE_INFINITY]);
      const quiet = { ...leading, proxies: [proxy({ leading: leadingDns })] };
      const two = first(quiet, one.since, 1000);
      expect([two.lead, two.until]).toEqual([leadingDns, 1000 + waits.settleMs]);
      expect(first(quiet, two.since, 999 + waits.settleMs).lead).toEqual(leadingDns);
      expect(first(quiet, two.since, 1000 + waits.settleMs).lead).toEqual(nothing);
    }
  });

  it('leaves out a service with a bad address, says why, and leads the others', () => {
    const bad = hosted({ mapping: { ipv4: { from: '100.100.0.8', to: 'fd00::1' } } });
    const { lead, problems } = first(factsWith({ set: setOf([dns, hosted()], ['svc:bad', bad]) }));
    expect(lead).toEqual(leadingDns);
    expect(problems).toEqual(['svc:bad cannot be led by "fd00::1": that is no IPv4 address']);
  });

  it('never advertises what is not led, nor ceases to lead what is advertised, over any history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        expect(offences(steps)).toEqual([]);
      }),
    );
  });
});

/** Seven seconds of a history. */
type Step = {
  readonly wants: boolean;
  readonly to: '10.96.0.10' | '10.96.0.99';
  /** Whether files reach the pod, and it says what it made of them. */
  readonly heard: boolean;
  readonly restarts: boolean;
};

const step: fc.Arbitrary<Step> = fc.record({
  wants: fc.boolean(),
  to: fc.constantFrom('10.96.0.10', '10.96.0.99'),
  heard: fc.boolean(),
  restarts: fc.boolean(),
});

/** What a history with one pod, to which files come at every fifth step at the latest, did that it should not have. */
const offences = (steps: readonly Step[]): readonly string[] => {
  const found: string[] = [];
  let led: Mappings = nothing;
  let pod = proxy();
  let since: Since = new Map();
  steps.forEach(({ wants, to, heard, restarts }, at) => {
    const set = wants ? setOf([dns, hosted({ mapping: { ipv4: { from: '100.100.0.7', to } } })]) : setOf();
    const now = first({ set, led, proxies: [pod] }, since, at * 7000);
    const configured = advertisedIn(now);
    const begins = configured.length > 0 && pod.configured.length === 0;
    if (begins && !sameMapping(pod.leading.get(dns), led.get(dns) ?? {})) found.push(`${at}: begins without leading as it is told`);
    if (pod.advertising?.length === 1 && led.has(dns) && !now.lead.has(dns)) found.push(`${at}: is led no longer, and advertised`);
    ({ lead: led, since } = now);
    pod = heard || at % 5 === 0 ? { ...pod, configured, advertising: configured, leading: led } : { ...pod, configured };
    if (restarts) pod = { ...pod, leading: nothing };
  });
  return found;
};
