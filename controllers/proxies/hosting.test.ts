import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificatePort, type HostedService } from '../../src/model/proxy-set.ts';
import { hostedFor } from './fixtures.ts';
import { type Hosting, hostingFrom, type HostingFacts, type HostingProxy, type Since, waits } from './hosting.ts';
import { certificateEntryFrom, entryFrom, type Serving } from './objects/serve-config.ts';

const [web, service] = hostedFor('svc:web');
const target = service.ports.get(443) ?? { host: '', port: 0 };
const servingWeb: Serving = new Map([[web, new Map([[443, entryFrom(target)]])]]);
const nothing: Serving = new Map();

const proxy = (more: Partial<HostingProxy> = {}): HostingProxy => ({
  ordinal: 0,
  pod: 'running',
  joined: true,
  configured: [],
  serving: nothing,
  advertising: [],
  ...more,
});

const factsWith = (more: Partial<HostingFacts> = {}): HostingFacts => ({
  set: { services: new Map([[web, service]]), replicas: 1 },
  served: nothing,
  proxies: [proxy()],
  hasAddresses: () => true,
  isTaken: () => true,
  ...more,
});
const unwanted = { services: new Map<string, HostedService>(), replicas: 1 };
const first = (facts: HostingFacts, since: Since = new Map(), now = 0): Hosting => hostingFrom(facts, since, now);
const servedIn = ({ serve }: Hosting): readonly string[] => [...serve.keys()];
const advertisedIn = ({ advertise }: Hosting): readonly string[] => advertise.get(0) ?? [];

describe('hostingFrom', () => {
  it('serves nothing before the service has addresses and every Envoy its listener, and advertises nothing with it', () => {
    expect(servedIn(first(factsWith({ hasAddresses: () => false })))).toEqual([]);
    expect(servedIn(first(factsWith({ isTaken: () => false })))).toEqual([]);
    const now = first(factsWith());
    expect([now.serve, advertisedIn(now)]).toEqual([servingWeb, []]);
  });

  it('asks no Envoy where none answers', () => {
    const plain = { ports: new Map([[5432, { host: '10.0.0.1', port: 5432 }]]), wanted: true };
    const set = { services: new Map([[web, plain]]), replicas: 1 };
    expect(servedIn(first(factsWith({ set, isTaken: () => false })))).toEqual([web]);
  });

  it('has a proxy advertise what it says it serves, once it is in its tailnet', () => {
    expect(advertisedIn(first(factsWith({ served: servingWeb, proxies: [proxy({ serving: servingWeb })] })))).toEqual([web]);
    expect(advertisedIn(first(factsWith({ served: servingWeb, proxies: [proxy()] })))).toEqual([]);
    expect(advertisedIn(first(factsWith({ served: servingWeb, proxies: [proxy({ serving: servingWeb, joined: false })] })))).toEqual([]);
  });

  it('waits for files to reach a proxy that does not say what it serves', () => {
    const { serving: _, ...silent } = proxy();
    const facts = factsWith({ served: servingWeb, proxies: [silent] });
    const now = first(facts);
    expect([advertisedIn(now), now.until]).toEqual([[], waits.filesMs]);
    expect(advertisedIn(first(facts, now.since, waits.filesMs))).toEqual([web]);
  });

  it('takes a service first out of what is advertised, then, when it has been out for a while, out of what is served', () => {
    for (const set of [unwanted, { services: new Map([[web, { ...service, wanted: false }]]), replicas: 1 }]) {
      const advertised = factsWith({ set, served: servingWeb, proxies: [proxy({ configured: [web], advertising: [web] })] });
      const one = first(advertised);
      expect([servedIn(one), advertisedIn(one), one.until]).toEqual([[web], [], Number.POSITIVE_INFINITY]);
      const quiet = { ...advertised, proxies: [proxy()] };
      const two = first(quiet, one.since, 1000);
      expect([servedIn(two), two.until]).toEqual([[web], 1000 + waits.settleMs]);
      expect(servedIn(first(quiet, two.since, 999 + waits.settleMs))).toEqual([web]);
      expect(servedIn(first(quiet, two.since, 1000 + waits.settleMs))).toEqual([]);
    }
  });

  it('goes on serving while a tailscaled still advertises, whatever its configuration says, but not for ever', () => {
    const facts = factsWith({ set: unwanted, served: servingWeb, proxies: [proxy({ advertising: [web] })] });
    const now = first(facts);
    expect(servedIn(first(facts, now.since, waits.settleMs))).toEqual([web]);
    expect(servedIn(first(facts, now.since, waits.filesMs))).toEqual([]);
  });

  it('waits anew after a service was wanted in between, or somebody else began to look', () => {
    const quiet = factsWith({ set: unwanted, served: servingWeb });
    const { since } = first(quiet);
    expect(first(factsWith({ served: servingWeb }), since, 10_000).since).toEqual(new Map());
    expect(servedIn(first(quiet, new Map(), waits.settleMs))).toEqual([web]);
  });

  it('lets a port of a service that stays go without the service being advertised any less', () => {
    const two = new Map([[web, new Map([...(servingWeb.get(web) ?? []), [22, entryFrom(target)] as const])]]);
    const facts = factsWith({ served: two, proxies: [proxy({ configured: [web], serving: two })] });
    const now = first(facts);
    expect([[...(now.serve.get(web)?.keys() ?? [])], advertisedIn(now)]).toEqual([[443, 22], [web]]);
    expect(first(facts, now.since, waits.settleMs).serve).toEqual(servingWeb);
  });

  it('leads a port somewhere else once the Envoys have the other listener', () => {
    const moved = new Map([[443, { ...target, port: 20_002 }]]);
    const facts = factsWith({ set: { services: new Map([[web, { ports: moved, wanted: true }]]), replicas: 1 }, served: servingWeb });
    expect(first({ ...facts, isTaken: () => false }).serve).toEqual(servingWeb);
    expect(first(facts).serve.get(web)?.get(443)?.port).toBe(20_002);
  });

  it('never changes the kind of a port in place: it has to be gone from every proxy first', () => {
    const strange: Serving = new Map([[web, new Map([[443, 'other']])]]);
    expect(servedIn(first(factsWith({ served: strange })))).toEqual([]);
    expect(servedIn(first(factsWith({ proxies: [proxy({ serving: strange })] })))).toEqual([]);
    expect(servedIn(first(factsWith()))).toEqual([web]);
  });

  it('has a port of its own for a certificate, and makes it another only when it is gone everywhere', () => {
    const withCertificate = { ...service, certificate: 'web.tail1234.ts.net' };
    const set = { services: new Map([[web, withCertificate]]), replicas: 1 };
    const now = first(factsWith({ set }));
    expect(now.serve.get(web)?.get(certificatePort)).toEqual({
      host: '127.0.0.1',
      port: 1,
      proxyProtocol: false,
      certificate: 'web.tail1234.ts.net',
    });
    const taking = { services: new Map([[web, { ...service, ports: new Map([[certificatePort, target]]) }]]), replicas: 1 };
    const facts = factsWith({ set: taking, served: now.serve, proxies: [proxy({ serving: now.serve })] });
    expect(first(facts).serve.get(web)?.has(certificatePort)).toBe(false);
    expect(first({ ...facts, served: nothing }).serve.get(web)).toBeUndefined();
    expect(
      first({ ...facts, served: nothing, proxies: [proxy()] })
        .serve.get(web)
        ?.get(certificatePort),
    ).toEqual(entryFrom(target));
  });

  it('serves a service that has no port yet but that for its certificate, and advertises it with the first other one', () => {
    const certificate = 'web.tail1234.ts.net';
    const waiting = { services: new Map([[web, { ports: new Map(), wanted: true, certificate }]]), replicas: 1 };
    const { serve } = first(factsWith({ set: waiting }));
    expect([...(serve.get(web) ?? [])]).toEqual([[certificatePort, certificateEntryFrom(certificate)]]);
    const proxies = [proxy({ serving: serve })];
    expect(advertisedIn(first(factsWith({ set: waiting, served: serve, proxies })))).toEqual([]);
    const issued = { services: new Map([[web, { ...service, certificate }]]), replicas: 1 };
    const now = first(factsWith({ set: issued, served: serve, proxies }));
    expect([new Set(now.serve.get(web)?.keys()), advertisedIn(now)]).toEqual([new Set([443, certificatePort]), []]);
    expect(advertisedIn(first(factsWith({ set: issued, served: now.serve, proxies: [proxy({ serving: now.serve })] })))).toEqual([web]);
  });

  it('advertises nothing for a pod that is going or gone, so that the next one begins with nothing', () => {
    for (const pod of ['going', 'none'] as const)
      expect(advertisedIn(first(factsWith({ served: servingWeb, proxies: [proxy({ pod, configured: [web] })] })))).toEqual([]);
  });

  describe('with proxies that are too many', () => {
    const both = (...proxies: readonly Partial<HostingProxy>[]): HostingFacts =>
      factsWith({
        served: servingWeb,
        proxies: proxies.map((more, ordinal) => proxy({ ordinal, serving: servingWeb, ...more })),
      });
    const advertises = { configured: [web], advertising: [web] };

    it('keeps them until those that stay advertise what they do, but not for ever', () => {
      const waiting = both({ configured: [web] }, advertises);
      const now = first(waiting);
      expect([now.handsOver, now.until]).toEqual([true, waits.filesMs]);
      expect(first(both(advertises, advertises), now.since, 1000).handsOver).toBe(false);
      expect(first(waiting, now.since, waits.filesMs).handsOver).toBe(false);
    });

    it('keeps none for what they do not advertise, for what is not wanted, or when none is to stay', () => {
      expect(first(both({}, {})).handsOver).toBe(false);
      expect(first(both({}, { ...advertises, pod: 'going' })).handsOver).toBe(false);
      expect(first({ ...both({}, advertises), set: unwanted }).handsOver).toBe(false);
      expect(first({ ...both({}, advertises), set: { ...factsWith().set, replicas: 0 } }).handsOver).toBe(false);
    });
  });

  it('leaves out a service that would end the proxies, says why, and hosts the others', () => {
    const services = new Map([hostedFor('svc:Not a name'), [web, service]]);
    const { serve, problems } = first(factsWith({ set: { services, replicas: 1 } }));
    expect([serve, problems]).toEqual([servingWeb, ['svc:Not a name is no name of a service: it takes svc: and a DNS label after it']]);
  });
});

/** Proxies that have files late, restart, and come and go, while wishes change and whoever looks is replaced. */
class World {
  now = 0;
  served: Serving = new Map();
  services = new Map<string, HostedService>();
  taken = new Set<string>();
  addresses = new Set<string>();
  readonly configured: string[][] = [[], []];
  readonly pods = [0, 1].map(() => ({ isThere: true, joined: true, serving: nothing, advertising: [] as readonly string[] }));
  readonly syncedAt = [0, 0];
  readonly advertisedAt = new Map<string, number>();
  since: Since = new Map();
  until = Number.POSITIVE_INFINITY;
  readonly violations: string[] = [];

  facts(): HostingFacts {
    return {
      set: { services: this.services, replicas: 2 },
      served: this.served,
      proxies: this.pods.map(({ isThere, joined, serving, advertising }, ordinal) => ({
        ordinal,
        pod: isThere ? 'running' : 'none',
        joined: isThere && joined,
        configured: this.configured[ordinal] ?? [],
        ...(isThere && joined ? { serving, advertising } : {}),
      })),
      hasAddresses: (name) => this.addresses.has(name),
      isTaken: (_, listener) => this.taken.has(listener),
    };
  }

  look(): void {
    const { serve, advertise, since, until } = hostingFrom(this.facts(), this.since, this.now);
    for (const [name, ports] of serve)
      for (const port of ports.keys())
        if (this.served.get(name)?.get(port) === undefined) {
          if (!this.addresses.has(name)) this.violations.push(`${name} is served without addresses`);
          if (!this.taken.has(`tailnet/corp/${name}/443`)) this.violations.push(`${name} is served before Envoy has it`);
        }
    for (const name of this.served.keys())
      if (!serve.has(name)) {
        const quietMs = this.now - (this.advertisedAt.get(name) ?? Number.NEGATIVE_INFINITY);
        if (quietMs < waits.settleMs || this.configured.flat().includes(name)) this.violations.push(`${name} is gone while peers come`);
      }
    for (const [ordinal, names] of advertise) {
      for (const name of names)
        if (!this.configured[ordinal]?.includes(name) && this.pods[ordinal]?.serving.has(name) !== true)
          this.violations.push(`${name} is advertised without being served`);
      this.configured[ordinal] = [...names];
    }
    this.served = serve;
    this.since = since;
    this.until = until;
    this.#mark();
  }

  /** Files reach a pod, and tailscaled does as they say. */
  sync(ordinal: number): void {
    const pod = this.pods[ordinal];
    if (pod === undefined || !pod.isThere) return;
    this.syncedAt[ordinal] = this.now;
    pod.joined = true;
    pod.serving = this.served;
    pod.advertising = this.configured[ordinal] ?? [];
    this.#mark();
  }

  pass(ms: number): void {
    this.#mark();
    this.now += ms;
    this.#mark();
    // No later than kubelets ever are.
    for (const [ordinal, at] of this.syncedAt.entries()) if (this.now - at > 60_000) this.sync(ordinal);
  }

  #mark(): void {
    for (const { isThere, advertising } of this.pods) if (isThere) for (const name of advertising) this.advertisedAt.set(name, this.now);
  }
}

const event = fc.oneof(
  { weight: 6, arbitrary: fc.constant((world: World) => world.look()) },
  { weight: 4, arbitrary: fc.nat(1).map((ordinal) => (world: World) => world.sync(ordinal)) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 60_000 }).map((ms) => (world: World) => world.pass(ms)) },
  { weight: 1, arbitrary: fc.constant((world: World) => void (world.since = new Map())) },
  ...(['svc:a', 'svc:b'] as const).map((name) => ({
    weight: 2,
    arbitrary: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).map(([has, wanted, addresses]) => (world: World) => {
      if (has) world.services.set(...hostedFor(name, { wanted }));
      else world.services.delete(name);
      world.services = new Map(world.services);
      if (addresses) world.addresses.add(name);
      world.taken.add(`tailnet/corp/${name}/443`);
    }),
  })),
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(1), fc.boolean()).map(([ordinal, isThere]) => (world: World) => {
      const pod = world.pods[ordinal];
      if (pod !== undefined) Object.assign(pod, { isThere, joined: false, serving: nothing, advertising: [] });
    }),
  },
);

describe('hosting, whatever happens', () => {
  it('keeps the order at every step, and ends with what is wanted and nothing else', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80, size: 'max' }), (events) => {
        const world = new World();
        for (const happen of events) happen(world);
        for (const name of world.services.keys()) world.addresses.add(name);
        for (const pod of world.pods) Object.assign(pod, { isThere: true });
        let rounds = 0;
        for (let quiet = 0; quiet < 2; quiet = Number.isFinite(world.until) ? 0 : quiet + 1) {
          expect(rounds++).toBeLessThan(12);
          world.look();
          world.sync(0);
          world.sync(1);
          if (Number.isFinite(world.until)) world.pass(Math.max(0, world.until - world.now));
        }
        expect(world.violations).toEqual([]);
        const wanted = [...world.services].filter(([, { wanted: is }]) => is).map(([name]) => name);
        expect([...world.served.keys()].toSorted()).toEqual(wanted.toSorted());
        expect(world.configured).toEqual([wanted.toSorted(), wanted.toSorted()]);
      }),
      { numRuns: 500 },
    );
  });
});
