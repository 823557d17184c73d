import { describe, expect, it } from 'vitest';
import type { TailscaleEndpoint, TailscaleEndpointsSpec } from '../../api/generated/tailscale.ts';
import type { Observations } from '../../api/observations.ts';
import { deviceOf, endpointOf, endpointsOf, observationsOf, offline, readOf, stateOf, tablesFor, vipServiceOf } from './fixtures.ts';
import { type Machine, machinesOf } from './machines.ts';

const db = deviceOf('db', '100.64.0.1', { addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'], tags: ['tag:db', 'tag:eu'] });
const known = observationsOf([stateOf([db], [vipServiceOf('svc:web', '100.100.0.1')])]);

const machinesIn = (spec: Partial<TailscaleEndpointsSpec>, observations: Observations = known): readonly Machine[] =>
  machinesOf(endpointsOf('a', spec), readOf(tablesFor([], observations)));

const machineFor = (more: Partial<TailscaleEndpoint>, observations?: Observations): Machine | undefined =>
  machinesIn({ endpoints: [endpointOf('it', more)] }, observations)[0];

describe('a machine', () => {
  it.each([
    ['its address', { tailscaleIP: '100.64.0.1' }],
    ['its address of the other family, however it is written', { tailscaleIP: 'FD7A:115C:A1E0:0:0:0:0:1' }],
    ['its name, however it is written', { tailscaleFQDN: 'DB.Tail1.ts.net.' }],
  ])('is known by %s', (_how, more) => {
    expect(machineFor(more)).toMatchObject({ known: true, healthy: true, device: db });
    expect(machineFor(more, observationsOf([stateOf([offline(db)])]))).toMatchObject({ known: true, healthy: false });
  });

  it.each([
    ['address', { tailscaleIP: '100.100.0.1' }, { ip: '100.100.0.1' }],
    ['name', { tailscaleFQDN: 'web.tail1.ts.net' }, { name: 'web.tail1.ts.net', ip: '100.100.0.1' }],
  ])('may be a Tailscale Service, by its %s', (_how, more, target) => {
    expect(machineFor(more)).toMatchObject({ known: true, healthy: true, target });
  });

  it('is no Tailscale Service by a label alone: the suffix counts', () => {
    expect(machineFor({ tailscaleFQDN: 'web.tail2.ts.net' })).toMatchObject({
      known: false,
      healthy: true,
      target: { name: 'web.tail2.ts.net' },
    });
  });

  it('that devices share a name with is well while one of them is', () => {
    const twin = { ...offline(db), id: 'n-0' };
    expect(machineFor({ tailscaleFQDN: db.fqdn }, observationsOf([stateOf([twin, db])]))).toMatchObject({ healthy: true, device: db });
  });

  it.each([
    ['tailscaleIP', { tailscaleIP: '100.64.0.300' }, 'tailscaleIP "100.64.0.300" is no IP address'],
    ['externalTarget', { externalTarget: 'db:70000' }, 'externalTarget "db:70000" is no host and port'],
    ['externalTarget', { externalTarget: 'db:0' }, 'externalTarget "db:0" is no host and port'],
  ])('whose %s is none is not well, and says why', (_field, more, problem) => {
    expect(machineFor(more)).toMatchObject({ healthy: false, problem, target: {} });
  });
});

describe('machines', () => {
  it('with all tags of an endpoint are named after it', () => {
    const other = deviceOf('other', '100.64.0.2', { tags: ['tag:db'] });
    const spec = { endpoints: [endpointOf('db', { tags: ['tag:db', 'tag:eu'] })] };
    expect(machinesIn(spec, observationsOf([stateOf([db, other])])).map(({ name, discovered }) => [name, discovered])).toEqual([
      ['db/db', true],
    ]);
  });

  it('found by patterns go by host name or MagicDNS name', () => {
    const spec = { autoDiscovery: { port: 80, protocol: 'HTTP' as const, patterns: ['d*'], excludePatterns: ['*.tail2.ts.net'] } };
    expect(machinesIn(spec).map(({ name, protocol }) => [name, protocol])).toEqual([['db.tail1.ts.net', 'HTTP']]);
  });
});
